"""A link to a host: a UART in front of a system's memory and registers."""
