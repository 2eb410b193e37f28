"""`zeroshift verilog`: an array or a system as Verilog."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from cli.console import JsonOption, UsageError, console, errors, write_json, write_text
from hw.array import Array
from hw.ports import list_ports, ports_markdown
from hw.system.axi import check_address_bits
from hw.system.bus_ports import bus_ports
from hw.system.ports_document import system_ports_markdown
from hw.system.register_documents import registers_header, registers_markdown
from hw.system.register_map import register_map
from hw.system.register_rdl import registers_rdl
from hw.system.system import System
from hw.system.wrapper import EXAMPLE, TOP, example_verilog, system_verilog
from hw.verilog import to_plain_verilog
from params import PRESETS, ArrayConfig, preset
from params.system import SystemConfig
from sim.lint import Linter, lint

EPILOG = """Examples:

zeroshift verilog --preset ulx3s -o rtl

zeroshift verilog --preset ulx3s-dense --levels 8 -o rtl

zeroshift verilog --system --preset small --bus 8 -o rtl

zeroshift verilog --system --preset tiny --lint -o rtl
"""

BUS_BYTES, ADDRESS_BITS = 16, 32
"""Of the memory bus, if nothing else is said."""


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
    system: Annotated[
        bool, typer.Option("--system", help="The array with all that moves its data, on AXI.")
    ] = False,
    bus: Annotated[
        int | None, typer.Option(help=f"With --system: bytes of the memory bus; {BUS_BYTES}.")
    ] = None,
    address_bits: Annotated[
        int | None,
        typer.Option(help=f"With --system: bits of its addresses, 32 to 64; {ADDRESS_BITS}."),
    ] = None,
    lint_it: Annotated[
        bool, typer.Option("--lint", help=f"Have {', '.join(Linter)} read it, all warnings on.")
    ] = False,
    json_path: JsonOption = None,
) -> None:
    """Write Verilog of the array, or of the system on AXI, and documents on its ports.

    With --system also the map of its registers (Markdown, SystemRDL, JSON, C) and an example.
    """
    if not system and (bus is not None or address_bits is not None):
        raise UsageError("--bus and --address-bits describe the bus of a system: add --system")
    config = preset(preset_name, levels=levels)
    if accumulator_bits is not None:
        config = dataclasses.replace(config, accumulator_bits=accumulator_bits)
    if system:
        system_config = SystemConfig(array=config, bus_bytes=BUS_BYTES if bus is None else bus)
        bits = ADDRESS_BITS if address_bits is None else address_bits
        with errors.status(f"generating the Verilog of a system with {config.name}"):
            files, report = system_files(system_config, bits)
    else:
        with errors.status(f"generating the Verilog of {config.name}"):
            files, report = array_files(config)
    for name, text in files.items():
        write_text(folder / name, text)
    write_json(json_path, {"config": dataclasses.asdict(config), "files": list(files), **report})
    size = sum(len(text) for text in files.values())
    console.print(f"{folder}: {', '.join(files)} ({len(report['ports'])} ports, {size:,} bytes)")
    if lint_it:
        _lint([folder / name for name in files if name.endswith(".v")], report)


def _lint(files: list[Path], report: dict) -> None:
    """Have every linter read the files.

    Raises
    ------
    UsageError, MissingToolError : a warning matters, or a tool is not installed.
    """
    for linter in Linter:
        with errors.status(f"{linter} reads {', '.join(file.name for file in files)}"):
            told = lint(linter, files, report.get("example", report["top"]))
        if told:
            raise UsageError(f"{linter} tells {len(told)} warnings that matter, first: {told[0]}")
        console.print(f"{linter}: no warning that matters")


def array_files(config: ArrayConfig) -> tuple[dict[str, str], dict]:
    """Files of an array by name, and what a report says of them."""
    array = Array(config)
    files = {
        "array.v": to_plain_verilog(array, name="array"),
        "ports.md": ports_markdown(array),
        "array.f": "array.v\n",
    }
    ports = [dataclasses.asdict(port) for port in list_ports(array)]
    return files, {"top": "array", "ports": ports}


def system_files(config: SystemConfig, address_bits: int) -> tuple[dict[str, str], dict]:
    """Files of a system by name, and what a report says of them.

    Raises
    ------
    ConfigError : `address_bits` is out of range.
    """
    check_address_bits(address_bits)
    system = System(config, address_bits=address_bits)
    registers = register_map(config, address_bits=address_bits)
    files = {
        "system.v": system_verilog(system),
        "example.v": example_verilog(system),
        "system.f": "system.v\n",
        "ports.md": system_ports_markdown(system, TOP),
        "registers.md": registers_markdown(registers, TOP),
        "registers.rdl": registers_rdl(registers),
        "registers.json": json.dumps(registers, indent=2) + "\n",
        "registers.h": registers_header(registers),
    }
    report = {
        "top": TOP,
        "example": EXAMPLE,
        "bus_bytes": config.bus_bytes,
        "address_bits": address_bits,
        "digest": config.digest,
        "ports": [dataclasses.asdict(port) for port in bus_ports(system)],
    }
    return files, report
