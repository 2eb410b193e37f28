"""From a float network to one of integers: calibration, folding, export."""
