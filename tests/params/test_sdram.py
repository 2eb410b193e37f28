"""Cycles of SDRAM chips, against numbers counted by hand."""

import pytest

from params.config import ConfigError
from params.sdram import as4c16m16_6, as4c16m16_7, is42s16160_7, ulx3s

NAMES = ("rcd", "rp", "ras", "rc", "rrd", "wr", "rfc", "mrd", "power_up")


@pytest.mark.parametrize(
    ("config", "cycles"),
    [
        # 20 ns a cycle: every time but tRC, tRAS, tRFC and tRCD of grade -7 fits one; tWR and tMRD
        # are two at least.
        (as4c16m16_6(50, cas_latency=2), (1, 1, 3, 3, 1, 2, 3, 2, 10_000)),
        (as4c16m16_7(50, cas_latency=2), (2, 2, 3, 4, 1, 2, 4, 2, 10_000)),
        (as4c16m16_7(100, cas_latency=2), (3, 3, 5, 7, 2, 2, 7, 2, 20_000)),
        (is42s16160_7(100), (2, 2, 4, 6, 2, 2, 6, 2, 20_000)),
        # 7 ns a cycle: the times are whole numbers of cycles and gain none.
        (as4c16m16_7(1000 / 7), (3, 3, 6, 9, 2, 2, 9, 2, 28_572)),
    ],
)
def test_cycles(config, cycles):
    assert tuple(getattr(config, f"cycles_{name}") for name in NAMES) == cycles


@pytest.mark.parametrize("postponed", [1, 4, 7])
def test_any_64_ms_hold_all_refreshes(postponed):
    config = as4c16m16_7(100, postponed=postponed)
    # The latest refresh after the earliest 8192 before it.
    assert (8192 + postponed) * config.refresh_interval + 100 <= 6_400_000
    assert config.refresh_interval >= 779


def test_geometry():
    config = ulx3s(100)
    assert config.size == 32 << 20
    assert config.mode == 0b011_0_001
    assert ulx3s(100, cas_latency=2).mode == 0b010_0_001


@pytest.mark.parametrize(
    "changes",
    [
        {"cas_latency": 4}, {"clock_mhz": 133, "cas_latency": 2}, {"clock_mhz": 0.5},
        {"postponed": 8}, {"data_bytes": 3}, {"bank_bits": 3},
    ],
)  # fmt: skip
def test_refused(changes):
    with pytest.raises(ConfigError):
        ulx3s(**({"clock_mhz": 100} | changes))
