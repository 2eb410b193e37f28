"""Named configurations: `tiny` ones for fast tests, the others for boards."""

from params.arithmetic import Arithmetic
from params.config import FLOAT_LOOP, ArrayConfig, ConfigError

PRESETS = {
    config.name: config
    for config in (
        ArrayConfig(
            name="tiny", lanes=8, rows=2, depth=256, lane_groups=2, drain_width=2,
            mask_depth=64, code_depth=128, residuals=True,
        ),
        ArrayConfig(
            name="ulx3s", lanes=108, rows=2, depth=3072, lane_groups=6, drain_width=12,
            residuals=True,
        ),
        ArrayConfig(
            name="ulx3s-dense", lanes=108, rows=2, filters_per_row=2, levels=16, depth=3072,
            lane_groups=6, drain_width=12, residuals=True,
        ),
        ArrayConfig(
            name="large", lanes=256, rows=4, depth=4096, lane_groups=16, drain_width=16,
            residuals=True,
        ),
        # Beside a memory on the chip.
        ArrayConfig(
            name="small", lanes=32, rows=2, depth=1024, lane_groups=2, drain_width=4,
            mask_depth=256, code_depth=512, residuals=True,
        ),
        # As many processing elements as the ECP5-85F has room for, with nothing beside them.
        ArrayConfig(
            name="ulx3s-full", lanes=72, rows=4, depth=3072, lane_groups=4, drain_width=8,
            code_depth=512,
        ),
        ArrayConfig(
            name="ulx3s-dense-full", lanes=80, rows=2, filters_per_row=3, levels=16, depth=3072,
            lane_groups=4, drain_width=8,
        ),
        # What the arrays above are compared with.
        ArrayConfig(
            name="tiny-int8", arithmetic=Arithmetic.INT8, lanes=8, rows=2, depth=256,
            lane_groups=2, drain_width=2, mask_depth=64, code_depth=128, multipliers=(1, 0),
        ),
        ArrayConfig(
            name="tiny-float32", arithmetic=Arithmetic.FLOAT32, lanes=4, rows=2,
            filters_per_row=FLOAT_LOOP, depth=256, lane_groups=2, drain_width=2, mask_depth=64,
            code_depth=256, max_shift=1, multipliers=(4, 1),
        ),
        ArrayConfig(
            name="ulx3s-int8", arithmetic=Arithmetic.INT8, lanes=72, rows=2, filters_per_row=3,
            depth=3072, lane_groups=6, drain_width=12, multipliers=(1, 0, 0, 0),
        ),
        ArrayConfig(
            name="ulx3s-float32", arithmetic=Arithmetic.FLOAT32, lanes=20, rows=2,
            filters_per_row=2 * FLOAT_LOOP, depth=3072, lane_groups=4, drain_width=4,
            codes_per_word=1, code_depth=2048, multipliers=(2, 2, 2, 2, 1),
        ),
    )
}  # fmt: skip
"""Configurations by name."""


def preset(name: str, *, levels: int | None = None) -> ArrayConfig:
    """The preset `name`, rebuilt for `levels` magnitudes when given.

    Raises
    ------
    ConfigError : no such preset, or `levels` out of range.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset is called {name!r}; choose one of {', '.join(PRESETS)}")
    config = PRESETS[name]
    return config if levels in (None, config.levels) else config.with_levels(levels)
