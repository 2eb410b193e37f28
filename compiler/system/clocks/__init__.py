"""What the blocks of a system do in a cycle, without the data that they move."""
