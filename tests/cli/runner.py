"""Runs the command line as a user does, faults told in one sentence included."""

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

from rich.console import Console

from cli import console, main


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit status and what it printed."""

    status: int
    output: str
    errors: str


def run(*arguments: object) -> Outcome:
    """Run `zeroshift` with `arguments`."""
    output, errors = io.StringIO(), io.StringIO()
    status = 0
    with (
        patch("sys.argv", ["zeroshift", *map(str, arguments)]),
        redirect_stdout(output),
        redirect_stderr(errors),
        patch.object(console.console, "_file", output),
        patch.object(console.errors, "_file", errors),
    ):
        try:
            main.main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    assert isinstance(console.console, Console)
    return Outcome(status, output.getvalue(), errors.getvalue())


def fault(*arguments: object) -> str:
    """The sentence with which a command fails; asserts that there is just that."""
    outcome = run(*arguments)
    assert outcome.status == 1, outcome
    lines = outcome.errors.strip().splitlines()
    assert len(lines) == 1, outcome.errors
    assert lines[0].startswith("error: ")
    assert "Traceback" not in outcome.errors
    return lines[0].removeprefix("error: ")
