"""`zeroshift verilog`: the array as Verilog."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from cli.console import JsonOption, console, errors, write_json, write_text
from hw.array import Array
from hw.ports import list_ports, ports_markdown
from hw.verilog import to_verilog
from params import PRESETS, preset

EPILOG = """Examples:

zeroshift verilog --preset ulx3s -o rtl

zeroshift verilog --preset ulx3s-dense --levels 8 -o rtl
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("verilog", epilog=EPILOG)(verilog_command)


def verilog_command(
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    preset_name: Annotated[
        str, typer.Option("--preset", help=f"Array: {', '.join(PRESETS)}.")
    ] = "ulx3s",
    levels: Annotated[
        int | None, typer.Option(help="Magnitudes of a weight; the preset's if not given.")
    ] = None,
    accumulator_bits: Annotated[
        int | None, typer.Option(help="Accumulator width; safe for R-FCN if not given.")
    ] = None,
    json_path: JsonOption = None,
) -> None:
    """Write the array's Verilog, its port list with meanings, and a file list."""
    config = preset(preset_name, levels=levels)
    if accumulator_bits is not None:
        config = dataclasses.replace(config, accumulator_bits=accumulator_bits)
    with errors.status(f"generating the Verilog of {config.name}"):
        array = Array(config)
        documentation = ports_markdown(array)
        ports = list_ports(array)
        verilog = to_verilog(array, name="array")
    files = {"array.v": verilog, "ports.md": documentation, "array.f": "array.v\n"}
    for name, text in files.items():
        write_text(folder / name, text)
    write_json(
        json_path,
        {
            "config": dataclasses.asdict(config),
            "top": "array",
            "files": list(files),
            "ports": [dataclasses.asdict(port) for port in ports],
        },
    )
    console.print(f"{folder}: {', '.join(files)} ({len(ports)} ports, {len(verilog):,} bytes)")
