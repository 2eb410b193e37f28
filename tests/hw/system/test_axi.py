"""The blocks on AXI on the simulators, with random stalls on every channel."""

import pytest

from sim.engine import Engine
from sim.errors import MissingToolError
from tests.hw.benches import run_bench
from tests.hw.system.axi_blocks import build_axi


@pytest.fixture(scope="module", params=list(Engine))
def blocks(request):
    """All blocks, compiled for each engine."""
    return built(request.param)


def built(engine, **options):
    """The blocks for `engine`; without Icarus, which is optional, the test is skipped."""
    try:
        return build_axi(engine, **options)
    except MissingToolError as missing:
        if engine == Engine.ICARUS:
            pytest.skip(str(missing))
        raise


@pytest.mark.parametrize("bench", ["burst_splitter", "read_master"])
def test_block(blocks, bench, tmp_path):
    run_bench(blocks, f"tests.hw.system.{bench}_bench", tmp_path)
