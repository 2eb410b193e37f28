"""From an integer network to what a system finds in its memory."""
