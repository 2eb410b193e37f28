"""The blocks of a row on the simulators, with random stalls on every stream."""

import pytest

from hw.replay_buffer import ReplayBuffer
from hw.requantizer import Requantizer
from hw.weight_decoder import WeightDecoder
from sim.engine import Engine
from sim.errors import MissingToolError
from tests.hw.benches import run_bench
from tests.hw.blocks import build_blocks
from tests.hw.mutants import mutant


@pytest.fixture(scope="module", params=list(Engine))
def blocks(request):
    """All blocks, compiled for each engine."""
    return built(request.param)


def built(engine, **options):
    """The blocks for `engine`; without Icarus, which is optional, the test is skipped."""
    try:
        return build_blocks(engine, **options)
    except MissingToolError as missing:
        if engine == Engine.ICARUS:
            pytest.skip(str(missing))
        raise


@pytest.mark.parametrize("block", ["requantizer", "replay_buffer", "weight_decoder"])
def test_block(blocks, block, tmp_path):
    run_bench(blocks, f"tests.hw.{block}_bench", tmp_path)


@pytest.mark.parametrize(
    ("block", "old", "new"),
    [
        (Requantizer, "result_bits + (1 << stage) - 1)", "result_bits + (1 << stage) - 4)"),
        (Requantizer, "overflow | (above.any() & ~above.all())", "overflow"),
        (ReplayBuffer, "held.eq(held + written - released)", "held.eq(held + written - fetch)"),
        (WeightDecoder, "position.base + position.index", "position.base | position.index"),
        (
            WeightDecoder,
            "unpacker.flush.eq(go & position.last & last_turn)",
            "unpacker.flush.eq(0)",
        ),
    ],
)
def test_bench_notices_a_fault(block, old, new, tmp_path):
    name = {
        Requantizer: "requantizer", ReplayBuffer: "replay_buffer", WeightDecoder: "weight_decoder"
    }[block]  # fmt: skip
    broken = built(Engine.ICARUS, **{name: mutant(block, old, new)}, fault=f"{old} -> {new}")
    with pytest.raises(AssertionError, match="FAIL"):
        run_bench(broken, f"tests.hw.{name}_bench", tmp_path)
