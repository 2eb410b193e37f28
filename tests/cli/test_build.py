"""`zeroshift build` on the command line."""

import json
from dataclasses import replace

import pytest

import boards.catalogue
import cli.build
from boards.build import TimingError
from boards.build_report import read_build_report
from boards.flows import PLACED
from boards.steps import StepReport
from boards.tools import Usage
from tests.boards.test_build_report import REPORT
from tests.cli.runner import fault, run


@pytest.fixture
def tools(monkeypatch, tmp_path):
    """Stands in for the tools; the fixture's value is what a build was asked for."""
    asked = {}

    def build_board(board, folder, *, clock_mhz, seed, floorplan, telling, done):
        asked.update(
            board=board.name, folder=folder, clock_mhz=clock_mhz, seed=seed, floorplan=floorplan
        )
        telling("synthesize")
        done(StepReport(name="synthesize", usage=Usage(seconds=3, peak_bytes=5 << 20), kept=True))
        if seed == 13:
            slow = replace(REPORT.clocks[0], achieved_mhz=70.0)
            raise TimingError("some wants 80 MHz", replace(REPORT, clocks=(slow,)))
        return REPORT, folder / "top.bit"

    monkeypatch.setattr(cli.build, "build_board", build_board)
    monkeypatch.chdir(tmp_path)
    return asked


def test_a_build_writes_its_report(tools, tmp_path):
    ended = run("build", "--board", "ulx3s", "--reports", tmp_path, "--json", tmp_path / "own.json")
    assert ended.status == 0
    board = boards.catalogue.BOARDS["ulx3s"]
    assert tools == {
        "board": "ulx3s", "folder": cli.build.Path("build/ulx3s"), "clock_mhz": None,
        "seed": board.seed, "floorplan": None,
    }  # fmt: skip
    assert "synthesize: 3 s, 5 MiB, kept" in ended.errors
    for words in ("81.5 MHz, wanted 80.0", "3 of 56 (5%)", "a to b: 12.00 ns", "top.bit"):
        assert words in ended.output
    assert read_build_report(tmp_path / "board-some.json") == REPORT
    assert json.loads((tmp_path / "own.json").read_text())["board"] == "some"


def test_a_missed_clock_fails_and_leaves_the_report_as_it_was(tools, tmp_path):
    ended = run(
        "build", "--board", "ulx3s", "--seed", 13, "--clock", 80, "--reports", tmp_path,
        "--json", tmp_path / "own.json",
    )  # fmt: skip
    assert ended.status == 1
    assert tools["clock_mhz"] == 80
    assert ended.errors.strip().splitlines()[-1] == "error: some wants 80 MHz"
    assert "70.0 MHz, wanted 80.0: missed" in ended.output
    assert not (tmp_path / "board-some.json").exists()
    assert json.loads((tmp_path / "own.json").read_text())["clocks"][0]["achieved_mhz"] == 70


@pytest.mark.parametrize("seed", [1, 13])
def test_a_floorplan_is_taken_and_written(tools, tmp_path, seed):
    """Also when the clock is missed."""
    (tmp_path / "given.json").write_text('{"ram": "X4/Y70/EBR0"}')
    (tmp_path / "ulx3s").mkdir()
    cells = {"ram": {"type": "DP16KD", "attributes": {"NEXTPNR_BEL": "X2/Y70/EBR0"}}}
    top = {"attributes": {"top": 1}, "cells": cells}
    (tmp_path / "ulx3s" / PLACED).write_text(json.dumps({"modules": {"top": top}}))
    ended = run(
        "build", "--board", "ulx3s", "--seed", seed, "--folder", "ulx3s", "--reports", tmp_path,
        "--floorplan", "given.json", "--write-floorplan", "own.json",
    )  # fmt: skip
    assert ended.status == (seed == 13)
    assert tools["floorplan"] == {"ram": "X4/Y70/EBR0"}
    assert json.loads((tmp_path / "own.json").read_text()) == {"ram": "X2/Y70/EBR0"}
    assert "floorplan: own.json, 1 places" in ended.output


def test_the_boards_are_listed():
    ended = run("build", "--list")
    assert ended.status == 0
    assert all(name in ended.output for name in boards.catalogue.BOARDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give --board, one of ulx3s, "),
        (("--board", "ulx4s"), "no board is called 'ulx4s'; choose one of"),
        (("--board", "arty_a7"), "arty_a7 is built with Vivado: write a plan"),
        (("--board", "arty_a7", "--plan", "plan.tar"), "--plan is plan.tar, but must end in .zip"),
        (("--board", "arty_a7", "--plan", "plan.zip", "--flash"), "--flash goes with a bitstream"),
        (("--board", "arty_a7", "--plan", "plan.zip", "--clock", "81.7"), "makes no 81.7 MHz"),
        (("--board", "ulx3s", "--plan", "plan.zip"), "ulx3s is not built with Vivado"),
        (("--board", "ulx3s", "--floorplan", "none.json"), "no floorplan can be read from none.js"),
        (("--board", "icebreaker", "--write-floorplan", "own.json"), "icebreaker has no floorplan"),
        (("--board", "ulx3s", "--clock", "200"), "clock_mhz is 200.0, but with a CAS latency"),
        (("--board", "ulx3s", "--clock", "99"), "the PLL makes no 99 MHz from 25 MHz"),
        (("--board", "ulx3s", "--clock", "12.5"), "baud is 3e+06, but must be 1.5625e+06 at most"),
        (("--board", "ulx3s", "--clock", "-1"), "the PLL makes no -1 MHz from 25 MHz"),
    ],
)
def test_faults(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in fault("build", *arguments)
    assert not list(tmp_path.glob("*.zip"))


def test_a_programmer_that_is_missing_is_told_before_the_build(monkeypatch, tools):
    monkeypatch.setenv("PATH", "")
    assert "openFPGALoader is not installed" in fault("build", "--board", "ulx3s", "--flash")
    assert tools == {}


@pytest.mark.parametrize("status", [0, 1])
def test_a_bitstream_is_loaded(monkeypatch, tools, tmp_path, status):
    folder = tmp_path / "programs"
    folder.mkdir()
    program = folder / "openFPGALoader"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/told\nexit {status}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    ended = run("build", "--board", "ulx3s", "--flash", "--reports", tmp_path)
    assert ended.status == status
    assert (tmp_path / "told").read_text() == "-b ulx3s build/ulx3s/top.bit\n"
    assert ("openFPGALoader failed" in ended.errors) == bool(status)
