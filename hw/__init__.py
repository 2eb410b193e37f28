"""The shift-and-accumulate array in Amaranth HDL."""
