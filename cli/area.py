"""`zeroshift area`: what the arrays take of an FPGA, and how fast they run there."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from boards.area import measure
from boards.ecp5 import PARTS
from boards.report import REPORTS, BoardReport
from cli.console import JsonOption, UsageError, console, errors, write_json
from cli.designs import report_name
from cli.lists import numbers, parts
from params import preset

DESIGNS = "ulx3s-full,ulx3s-dense-full,ulx3s-int8,ulx3s-float32"

FIGURES = (
    "PEs", "clock, MHz", "placed", "a lane: LUT4", "a lane: carry", "a lane: FF", "a lane: DSP",
    "a lane: EBR", "array: LUTs", "array: FF", "array: DSP", "array: EBR",
)  # fmt: skip
"""Rows of the table."""

EPILOG = """Examples:

zeroshift area

zeroshift area --designs ulx3s-float32 --groups 1,2 --reports build/reports

zeroshift area --designs ulx3s --place-array
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("area", epilog=EPILOG)(area_command)


def area_command(
    designs: Annotated[str, typer.Option(help="Presets, separated by commas.")] = DESIGNS,
    groups: Annotated[
        str, typer.Option(help="Sizes of the rows placed, in lane groups, separated by commas.")
    ] = "1,2",
    part: Annotated[str, typer.Option(help=f"ECP5 part: {', '.join(PARTS)}.")] = "85F",
    seed: Annotated[int, typer.Option(help="Of the placements.")] = 1,
    place_array: Annotated[
        bool, typer.Option(help="Take the clock of the whole array: up to an hour each.")
    ] = False,
    reports: Annotated[Path, typer.Option(help="Folder for the reports.")] = REPORTS,
    folder: Annotated[Path, typer.Option(help="Folder for the tools' files.")] = Path("build/area"),
    json_path: JsonOption = None,
) -> None:
    """Synthesize, place and route rows of each array, and write the reports `compare` reads.

    Takes minutes for each array. Every report is written as soon as its array is done.
    """
    if part not in PARTS:
        raise UsageError(f"--part is {part!r}, but must be one of {', '.join(PARTS)}")
    configs = {name: preset(name) for name in parts(designs, "--designs")}
    sizes = numbers(groups, "--groups")
    written = []
    for name, config in configs.items():
        with errors.status(f"measuring {name}") as status:
            report = measure(
                config, design=report_name(config), groups=sizes, folder=folder / name,
                part=part, seed=seed, place_array=place_array, telling=status.update,
            )  # fmt: skip
        report.write(reports)
        written.append(report)
    console.print(_table(written))
    write_json(json_path, [report.fields() for report in written])


def _table(reports: list[BoardReport]) -> Table:
    """A column for each array."""
    first = reports[0]
    tools = "\n".join(f"{tool} {version}" for tool, version in first.tools.items())
    table = Table(
        title=f"Arrays on the {first.device}",
        caption=f"a lane: what a lane more takes in a row; LUTs with carries\n{tools}",
    )
    table.add_column("design")
    for report in reports:
        table.add_column(report.design, justify="right", overflow="fold")
    columns = zip(*map(_figures, reports), strict=True)
    for name, figures in zip(FIGURES, columns, strict=True):
        table.add_row(name, *figures)
    return table


def _figures(report: BoardReport) -> list[str]:
    lane, array, most = report.lane, report.array, report.available
    return [
        str(report.processing_elements),
        f"{report.clock_mhz:.1f}",
        report.placed,
        *(f"{value:.1f}" for value in (lane.lut4, lane.carry, lane.ff)),
        *(f"{value:.2f}" for value in (lane.dsp, lane.ebr)),
        *(
            f"{used:,} ({used / limit:.0%})"
            for used, limit in (
                (array.luts, most.lut4), (array.ff, most.ff), (array.dsp, most.dsp),
                (array.ebr, most.ebr),
            )
        ),
    ]  # fmt: skip
