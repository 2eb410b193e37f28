"""Runs the tools of a flow."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from golden.errors import UserError
from hw.verilog import program

KIB = 1024
"""Unit of the peak of memory that Linux tells."""


class ToolError(UserError):
    """A tool is missing or failed; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What something took: seconds of wall time, and the peak of its memory in bytes."""

    seconds: float
    peak_bytes: int


def tool_version(package: str) -> str:
    """The version of an installed package.

    Raises
    ------
    ToolError : it is not installed.
    """
    try:
        return version(package)
    except PackageNotFoundError as failure:
        raise missing(package) from failure


def missing(tool: str) -> ToolError:
    """The fault that a package of the extra `boards` is not installed."""
    return ToolError(f"{tool} is not installed: pip install 'zeroshift[boards]'")


def run_tool(name: str, arguments: list[str], folder: Path) -> Usage:
    """Run a program that was installed beside this package, or is on the path, in `folder`.

    Paths in `arguments` are relative to it: WebAssembly builds see no others in all folders.

    Raises
    ------
    ToolError : the program is missing, or failed; then with the error it told, or its last line.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                [program(name), *arguments], cwd=folder, stdout=said, stderr=subprocess.STDOUT
            )
        except FileNotFoundError as failure:
            raise missing(name) from failure
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            # Some tools count their errors at the end.
            told = [line for line in lines if line.startswith("ERROR")] or lines
            raise ToolError(f"{name} failed in {folder}: {told[-1] if told else 'no message'}")
    return Usage(seconds=time.monotonic() - started, peak_bytes=KIB * usage.ru_maxrss)
