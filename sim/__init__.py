"""Simulation of the array: cocotb benches on Verilator and Icarus, checked bit for bit."""
