"""The command line of Zeroshift."""
