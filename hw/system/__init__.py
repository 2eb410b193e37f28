"""The system around the array: memory in, commands in, memory out."""
