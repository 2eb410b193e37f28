"""The SDRAM controller against the checking chip."""

import json
import random

import pytest

from tests.hw.benches import run_bench
from tests.hw.sdram.blocks import CONFIGS, MEMORY_BYTES, build_sdram


def run(built, bench, folder, **settings):
    (folder / "memory.bin").write_bytes(random.Random(1).randbytes(MEMORY_BYTES))
    (folder / "settings.json").write_text(json.dumps(settings))
    run_bench(built, f"tests.hw.sdram.{bench}_bench", folder)


@pytest.mark.parametrize("name", CONFIGS)
def test_random_traffic(name, tmp_path):
    run(build_sdram(name), "traffic", tmp_path, accesses=10_000)
