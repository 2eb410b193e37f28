"""What stands around a system on a board: the way of two masters to memory, and memory."""
