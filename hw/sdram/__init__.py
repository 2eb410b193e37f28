"""A controller of SDR SDRAM with AXI4 in front."""
