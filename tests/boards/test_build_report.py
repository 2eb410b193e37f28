"""Reports of boards are written and read, and what is malformed is told."""

import dataclasses
import json
import re

import pytest

from boards.build_report import (
    BuildReport,
    BuildReportError,
    ClockReport,
    StepFigures,
    read_build_report,
)
from boards.catalogue import BOARDS
from boards.report import REPORTS, read_reports

REPORT = BuildReport(
    board="some", device="LFE5U-25F speed 6, BG256", preset="tiny", processing_elements=16,
    memory_bytes=1024, clock_mhz=80.0, baud=1_000_000,
    clocks=(ClockReport(name="sync", wanted_mhz=80.0, achieved_mhz=81.5),),
    critical_path="a to b: 12.00 ns, of which 8.00 ns routing", cells={"DP16KD": (3, 56)},
    bitstream_bytes=1000, seed=1,
    steps=(StepFigures(name="synthesize", seconds=1.5, peak_bytes=1 << 20),),
    tools={"amaranth": "0.5"},
)  # fmt: skip


def test_a_report_is_read_as_it_was_written(tmp_path):
    path = REPORT.write(tmp_path)
    assert path == tmp_path / "board-some.json"
    assert read_build_report(path) == REPORT


def test_reports_of_boards_are_none_of_arrays(tmp_path):
    REPORT.write(tmp_path)
    assert read_reports(tmp_path) == {}


def test_a_clock_is_met_when_it_is_reached():
    clock = REPORT.clocks[0]
    assert clock.met
    assert dataclasses.replace(clock, achieved_mhz=80.0).met
    assert not dataclasses.replace(clock, achieved_mhz=79.99).met


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": None}, "seed is None"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"baud": True}, "baud is True"),
        ({"clock_mhz": float("nan")}, "clock_mhz is nan"),
        ({"device": ""}, "device is ''"),
        ({"cells": {"DP16KD": [3]}}, r"cells.DP16KD is \[3\]"),
        ({"cells": []}, r"cells is \[\]"),
        ({"clocks": [{"name": "sync"}]}, r"clocks\[0\] lacks the field 'achieved_mhz'"),
        ({"steps": [1]}, r"steps\[0\] is 1"),
        ({"more": 1}, "has an unknown field 'more'"),
        ({"board": "other"}, "reports on 'other': call it board-other.json"),
    ],
)
def test_a_malformed_report_is_told(tmp_path, change, words):
    path = REPORT.write(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BuildReportError, match=f"{re.escape(str(path))}.*{words}"):
        read_build_report(path)


def test_what_is_no_json_is_told(tmp_path):
    path = tmp_path / "board-some.json"
    path.write_text("{")
    with pytest.raises(BuildReportError, match="no readable JSON"):
        read_build_report(path)


def test_the_reports_that_ship_are_of_boards_that_there_are():
    paths = sorted(REPORTS.glob("board-*.json"))
    assert paths
    for path in paths:
        report = read_build_report(path)
        board = BOARDS[report.board]
        array = board.array
        assert report.preset == (array.name if array else "none")
        assert report.processing_elements == (array.processing_elements if array else 0)
        assert report.memory_bytes == board.memory_bytes
        assert (report.clock_mhz, report.seed) == (board.clock_mhz, board.seed)
        assert report.clocks
        assert all(clock.met for clock in report.clocks)
        assert report.bitstream_bytes > 0
