"""Waves are recorded by both engines."""

import subprocess

import pytest

from compiler import compile_layer
from golden.shape import ConvShape
from params import ArrayConfig
from sim.engine import Engine
from sim.simulate import build_harness, simulate
from tests.sim.layers import needs_icarus, random_case

CONFIG = ArrayConfig(
    name="waves", lanes=2, rows=1, levels=2, accumulator_bits=12, depth=16,
    drain_width=1, max_shift=0, mask_bits=8, codes_per_word=4, mask_depth=4, code_depth=4,
    max_runs=2,
)  # fmt: skip
"""As little hardware as compiles quickly."""

FST_HEADER = bytes([0]) + (329).to_bytes(8, "big")
"""How an FST file starts: the type of its first block, and the length that this block has."""


def no_headers() -> bool:
    command = ["g++", "-E", "-x", "c++", "-"]
    includes = "#include <lz4.h>\n#include <zlib.h>\n"
    return subprocess.run(command, input=includes, capture_output=True, text=True).returncode != 0


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(
            Engine.VERILATOR,
            marks=pytest.mark.skipif(
                no_headers(), reason="lz4.h or zlib.h is not installed (liblz4-dev, zlib1g-dev)"
            ),
        ),
        pytest.param(Engine.ICARUS, marks=needs_icarus),
    ],
)
def test_waves_are_an_fst_file(engine, tmp_path):
    shape = ConvShape(cin=3, cout=2, kernel=1, height=2, width=3)
    case = random_case(shape, seed=0, levels=1)
    harness = build_harness(CONFIG, engine=engine, waves=True)
    waves = tmp_path / "folder" / "layer.fst"
    result = simulate(
        compile_layer(case.layer, CONFIG),
        case.image,
        harness=harness,
        expected=case.expected,
        waves=waves,
    )
    assert result.bit_exact
    assert waves.read_bytes().startswith(FST_HEADER)
