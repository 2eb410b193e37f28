"""Training with power-of-two weights and low-bit activations, for any torch module."""
