"""The array's parameters and the bit layouts of its streams: read by `compiler` and by `hw`."""

from params.config import PRESETS, ArrayConfig, preset

__all__ = ["PRESETS", "ArrayConfig", "preset"]
