"""`zeroshift build`: a board's bitstream, or a plan for Vivado to make it."""

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from boards.board import Board
from boards.build import TimingError, build_board, write_plan
from boards.build_report import BuildReport
from boards.catalogue import BOARDS, find_board
from boards.floorplan import read_floorplan, write_floorplan
from boards.flows import PLACED, WITH_FLOORPLAN
from boards.report import REPORTS
from boards.tools import ToolError
from cli.console import JsonOption, UsageError, console, errors, write_json

PROGRAMMER = "openFPGALoader"

MIB = 1 << 20

EPILOG = """Examples:

zeroshift build --list

zeroshift build --board ulx3s

zeroshift build --board ulx3s --clock 75 --seed 3 --reports build/reports --flash

zeroshift build --board ulx3s --seed 5 --write-floorplan build/ulx3s-5.json

zeroshift build --board ulx3s --floorplan build/ulx3s-5.json

zeroshift build --board arty_a7 --plan build/arty_a7.zip
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("build", epilog=EPILOG)(build_command)


def build_command(
    name: Annotated[
        str | None, typer.Option("--board", help=f"One of {', '.join(BOARDS)}.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the tools' files and the bitstream; build/BOARD if not given."
        ),
    ] = None,
    clock: Annotated[
        float | None, typer.Option(help="MHz of the system; the board's usual if not given.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the placement; the board's usual if not given.")
    ] = None,
    floorplan: Annotated[
        Path | None,
        typer.Option(help="Places of block RAMs and multipliers; the board's usual if not given."),
    ] = None,
    write_places: Annotated[
        Path | None,
        typer.Option(
            "--write-floorplan",
            help="Write the places of block RAMs and multipliers in this build to this JSON file.",
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Write the files with which Vivado builds the board to this ZIP archive."
        ),
    ] = None,
    reports: Annotated[Path, typer.Option(help="Folder for the report.")] = REPORTS,
    flash: Annotated[
        bool, typer.Option("--flash", help=f"Load the bitstream with {PROGRAMMER}.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the boards, and stop.")] = False,
    json_path: JsonOption = None,
) -> None:
    """Build the bitstream of a board: a system, its memory, and a UART to a host.

    Stops with the slowest path when the design does not reach the clock. Takes up to an hour for
    the largest board; steps that are done are kept, and the same command goes on behind them.
    """
    if listing:
        console.print(_boards())
        return
    if name is None:
        raise UsageError(f"give --board, one of {', '.join(BOARDS)}, or --list")
    board = find_board(name)
    if (floorplan or write_places) and board.flow not in WITH_FLOORPLAN:
        raise UsageError(
            f"{board.name} has no floorplan: leave out --floorplan and --write-floorplan"
        )
    if plan is not None:
        _plan(board, plan, clock, flash)
        return
    if flash:
        _programmer()
    folder = Path("build") / board.name if folder is None else folder
    with errors.status(f"{board.name}: elaborate") as status:
        try:
            report, bitstream = build_board(
                board, folder, clock_mhz=clock, seed=board.seed if seed is None else seed,
                floorplan=None if floorplan is None else read_floorplan(floorplan),
                telling=lambda what: status.update(f"{board.name}: {what}"),
                done=lambda step: errors.print(
                    f"{step.name}: {step.usage.seconds:.0f} s, "
                    f"{step.usage.peak_bytes / MIB:,.0f} MiB{', kept' if step.kept else ''}"
                ),
            )  # fmt: skip
        except TimingError as missed:
            console.print(_table(missed.report))
            write_json(json_path, missed.report.fields())
            _write_places(folder, write_places)
            raise
    path = report.write(reports)
    write_json(json_path, report.fields())
    console.print(_table(report))
    console.print(f"report: {escape(str(path))}", highlight=False)
    console.print(f"bitstream: {escape(str(bitstream))}", highlight=False)
    _write_places(folder, write_places)
    if flash:
        _flash(board, bitstream)


def _write_places(folder: Path, path: Path | None) -> None:
    if path is not None:
        count = write_floorplan(folder / PLACED, path)
        console.print(f"floorplan: {escape(str(path))}, {count} places", highlight=False)


def _plan(board: Board, path: Path, clock: float | None, flash: bool) -> None:
    if flash:
        raise UsageError("--flash goes with a bitstream, but --plan makes none: leave one out")
    if path.suffix != ".zip":
        raise UsageError(f"--plan is {path}, but must end in .zip")
    with errors.status(f"{board.name}: writing the plan"):
        files = write_plan(board, path, clock_mhz=clock)
    console.print(
        f"plan: {escape(str(path))} ({', '.join(files)}): unpack it where Vivado is, and run "
        "build_top.sh",
        highlight=False,
    )


def _programmer() -> str:
    program = shutil.which(PROGRAMMER)
    if program is None:
        raise ToolError(
            f"{PROGRAMMER} is not installed: install it (apt-get install openfpgaloader), or leave "
            "out --flash"
        )
    return program


def _flash(board: Board, bitstream: Path) -> None:
    command = [_programmer(), *board.programmer, str(bitstream)]
    if subprocess.run(command, check=False).returncode:
        raise ToolError(
            f"{PROGRAMMER} failed: is the {board.name} connected, and may you use its USB port?"
        )
    console.print(f"{board.name} runs {escape(str(bitstream))}", highlight=False)


def _boards() -> Table:
    table = Table(title="Boards")
    for column in ("board", "what it is", "array", "lanes x rows", "MHz", "memory", "baud"):
        table.add_column(column)
    for board in BOARDS.values():
        array = board.array
        table.add_row(
            board.name, board.title, array.name if array else "none",
            f"{array.lanes} x {array.rows}" if array else "",
            f"{board.clock_mhz:g}", f"{board.memory_bytes:,}", f"{board.baud:,}",
        )  # fmt: skip
    return table


def _table(report: BuildReport) -> Table:
    tools = ", ".join(f"{tool} {version}" for tool, version in report.tools.items())
    table = Table(
        title=f"{report.board}: array {report.preset} on {report.device}",
        caption=tools,
        show_header=False,
    )
    for clock in report.clocks:
        table.add_row(
            f"clock {escape(clock.name)}",
            f"{clock.achieved_mhz:.1f} MHz, wanted {clock.wanted_mhz:.1f}"
            f"{'' if clock.met else ': missed'}",
        )
    table.add_row("slowest path", escape(report.critical_path))
    for cell, (used, available) in report.cells.items():
        table.add_row(cell, f"{used:,} of {available:,} ({used / available:.0%})")
    for step in report.steps:
        table.add_row(step.name, f"{step.seconds:,.0f} s, {step.peak_bytes / MIB:,.0f} MiB")
    if report.bitstream_bytes:
        table.add_row("bitstream", f"{report.bitstream_bytes:,} bytes")
    return table
