"""The array's parameters and the bit layouts of its streams: read by `compiler` and by `hw`."""

from params.config import ArrayConfig
from params.presets import PRESETS, preset

__all__ = ["PRESETS", "ArrayConfig", "preset"]
