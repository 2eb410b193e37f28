"""Runs the tools of a flow."""

import re
import subprocess
import tempfile
import time
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
        peak = 0
        try:
            while process.returncode is None:
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
