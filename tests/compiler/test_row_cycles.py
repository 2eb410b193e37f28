"""Passes that are copies of the one before need not be gone through."""

import dataclasses

import numpy as np
import pytest

from compiler import row_cycles
from compiler.cycles import time_schedule
from compiler.schedule import schedule_layer
from golden.shape import ConvShape
from params import preset

CONFIGS = {
    name: dataclasses.replace(preset(base), depth=1024, **changed)
    for name, base, changed in (
        ("single", "tiny", {}),
        ("paired", "tiny", {"filters_per_row": 2}),
        ("int8", "tiny-int8", {}),
        ("float32", "tiny-float32", {}),
    )
}


@pytest.mark.parametrize("density", [0.02, 0.2, 0.9])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_tile_takes_as_long_as_all_its_passes(name, density, monkeypatch):
    config = CONFIGS[name]
    rng = np.random.default_rng(8)
    shape = ConvShape(cin=20, cout=9, kernel=1, height=9, width=20)
    support = (rng.random((1, *shape.weight_shape)) < density) | config.dense
    schedule = schedule_layer(shape, support, config)
    assert max(tile.passes for tile in schedule.plan.tiles) > 5
    known = time_schedule(schedule)
    # Without numba, and no pass is ever recognized.
    monkeypatch.setattr(row_cycles, "_run_tile", row_cycles._run_tile.py_func)
    monkeypatch.setattr(row_cycles, "_remember", lambda *state: -1)
    with np.errstate(over="ignore"):
        assert time_schedule(schedule) == known
