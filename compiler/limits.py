"""What a plan may use of an array."""

import dataclasses
from dataclasses import dataclass

from params import ArrayConfig


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of a plan besides the array's own; by default none.

    Parameters
    ----------
    depth : words of the activation memory.
    passes : output rows per tile.
    transposed : lanes may run along the rows of the image.
    """

    depth: int | None = None
    passes: int | None = None
    transposed: bool = True

    def apply(self, config: ArrayConfig) -> ArrayConfig:
        """The array that tiles are planned for; the widths of its fields are not the array's."""
        depth = config.depth if self.depth is None else min(self.depth, config.depth)
        passes = config.max_passes if self.passes is None else min(self.passes, config.max_passes)
        return dataclasses.replace(config, depth=depth, max_passes=passes)


ALL = Limits()
"""A plan may use all of the array."""
