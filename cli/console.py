"""What all commands share: the console, faults in one sentence, reports in one piece."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from golden.errors import UserError
from golden.files import replacing

PIPED_WIDTH = 120
"""Columns of tables that go to a file or another program."""

console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
errors = Console(stderr=True, soft_wrap=True)

JsonOption = Annotated[
    Path | None, typer.Option("--json", help="Write the figures to this JSON file.")
]


class UsageError(UserError):
    """Options that do not go together; the message says what to give instead."""


USER_FAULTS = (UserError, OSError)
"""What ends a command with one sentence: faults a user can cause, and files that cannot be used."""


def tell(fault: object) -> None:
    """Tell a fault in one sentence."""
    sentence = " ".join(str(fault).split())
    errors.print(f"[bold red]error:[/] {escape(sentence)}", highlight=False)


def write_json(path: Path | None, report: object) -> None:
    """Write a report as JSON, whole or not at all; nothing when `path` is None."""
    if path is not None:
        write_text(path, json.dumps(report, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text)


def progress_bar(*, show: bool = True) -> Progress:
    """A progress bar with a count and the time left, on terminals only; vanishes when done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not (show and errors.is_terminal),
    )
