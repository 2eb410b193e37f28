"""Runs the tools of a flow.

They are those of the extra `boards`, WebAssembly builds named yowasp-TOOL, or what the environment
variable TOOL names instead (YOSYS, NEXTPNR_ECP5, ECPPACK, ...), as in Amaranth: a native build is
several times faster.
"""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from golden.errors import UserError
from hw.verilog import program

KIB = 1024
"""Unit in which Linux tells the peak of memory."""

SAMPLED_SECONDS = 0.2
"""So often a program is asked for its peak of memory."""


class ToolError(UserError):
    """A tool is missing or failed; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What something took: seconds of wall time, and the peak of its memory in bytes."""

    seconds: float
    peak_bytes: int


def tool_version(package: str) -> str:
    """The version of an installed package, or what the environment's program says of its own.

    Raises
    ------
    ToolError : it is not installed, or the program does not tell.
    """
    if named := _named(package):
        try:
            said = subprocess.run(
                [named, "--version"], capture_output=True, text=True, check=True, timeout=60
            )
        except (OSError, subprocess.SubprocessError) as failure:
            raise _unusable(package, named) from failure
        return (said.stdout or said.stderr).strip().partition("\n")[0]
    try:
        return version(package)
    except PackageNotFoundError as failure:
        raise missing(package) from failure


def _variable(tool: str) -> str:
    """The environment variable that may name another program for a tool."""
    return tool.removeprefix("yowasp-").replace("-", "_").upper()


def _named(tool: str) -> str | None:
    """The program that the environment names for a tool of the extra `boards`, if any."""
    named = os.environ.get(_variable(tool)) if tool.startswith("yowasp-") else None
    return None if named == program(tool) else named or None


def _unusable(tool: str, named: str) -> ToolError:
    """The fault that the environment names a program that cannot be run."""
    return ToolError(
        f"{_variable(tool)} names {named!r}, which does not run: name another, or unset it"
    )


def missing(tool: str) -> ToolError:
    """The fault that a package of the extra `boards` is not installed."""
    return ToolError(f"{tool} is not installed: pip install 'zeroshift[boards]'")


def run_tool(
    name: str, arguments: list[str], folder: Path, *, watch: Callable[[], None] = lambda: None
) -> Usage:
    """Run a tool in `folder`: installed beside this package, on the path, or of the environment.

    Paths in `arguments` are relative to it: WebAssembly builds see no others in all folders.

    Parameters
    ----------
    watch : called now and then; what it raises stops the tool.

    Raises
    ------
    ToolError : the program is missing, or failed; then with the error it told, or its last line.
    """
    named = _named(name)
    started = time.monotonic()
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                [named or program(name), *arguments],
                cwd=folder,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        except OSError as failure:
            raise (_unusable(name, named) if named else missing(name)) from failure
        peak = 0
        try:
            while process.returncode is None:
                watch()
                peak = max(peak, _peak_bytes(process.pid))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=SAMPLED_SECONDS)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            # Some tools count their errors at the end.
            told = [line for line in lines if line.startswith("ERROR")] or lines
            raise ToolError(f"{name} failed in {folder}: {told[-1] if told else 'no message'}")
    return Usage(seconds=time.monotonic() - started, peak_bytes=peak)


def _peak_bytes(pid: int) -> int:
    """The peak of a process's memory so far; 0 where the system does not tell.

    What a parent is told at the end of a process counts from before the program was loaded, and is
    no less than the parent's own.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return KIB * int(found[1]) if found else 0
