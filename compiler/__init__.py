"""Compiles quantized convolutions for the array: layout, tiles, weight streams, proofs."""

from compiler.compile import compile_layer, decompile_weights
from compiler.errors import FitError
from compiler.program import Program
from compiler.tiling import TilePlan, plan_tiles

__all__ = ["FitError", "Program", "TilePlan", "compile_layer", "decompile_weights", "plan_tiles"]
