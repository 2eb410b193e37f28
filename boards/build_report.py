"""What a board's build came to: read from and written to JSON."""

import dataclasses
import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from golden.errors import UserError
from golden.files import replacing

PREFIX = "board-"
"""Before the board's name in the name of its report."""


class BuildReportError(UserError):
    """A report is unreadable or malformed; the message names the file and the field."""


@dataclass(frozen=True, kw_only=True)
class ClockReport:
    """A clock, in MHz: what it must run at, and what the routed design reaches."""

    name: str
    wanted_mhz: float
    achieved_mhz: float

    @property
    def met(self) -> bool:
        """Whether the design is fast enough."""
        return self.achieved_mhz >= self.wanted_mhz


@dataclass(frozen=True, kw_only=True)
class StepFigures:
    """What a step took: seconds of one core, and the peak of its memory in bytes."""

    name: str
    seconds: float
    peak_bytes: int


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """A board's build.

    Parameters
    ----------
    board : its name; the report's file is called board-NAME.json.
    device : the FPGA with its speed grade.
    preset : name of the array, or "none". processing_elements : of the array.
    memory_bytes : that system and host see.
    clock_mhz : of the system. baud : of the link.
    clocks : all that the placer tells of.
    critical_path : the slowest way from a register to a register.
    cells : for each kind of cell in use, how many of how many.
    bitstream_bytes : size of the file.
    seed : of the placement.
    steps : what they took.
    tools : by name, with their versions.
    """

    board: str
    device: str
    preset: str
    processing_elements: int
    memory_bytes: int
    clock_mhz: float
    baud: int
    clocks: tuple[ClockReport, ...]
    critical_path: str
    cells: dict[str, tuple[int, int]]
    bitstream_bytes: int
    seed: int
    steps: tuple[StepFigures, ...]
    tools: dict[str, str]

    def fields(self) -> dict:
        """All of it as plain mappings, lists, numbers and texts."""
        return dataclasses.asdict(self)

    def write(self, folder: Path) -> Path:
        """Write the report to `folder`, whole or not at all; where it is, is returned."""
        path = folder / f"{PREFIX}{self.board}.json"
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(self.fields(), indent=2) + "\n", encoding="utf-8")
        return path


def read_build_report(path: Path) -> BuildReport:
    """Read a report.

    Raises
    ------
    BuildReportError : no JSON, a field is missing, unknown or of the wrong type, or the report is
        that of another board than its file's name says.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as failure:
        raise BuildReportError(f"{path} is no readable JSON file: {failure}") from failure
    fields = _checked(fields, BuildReport, str(path))
    for name, kind in (("clocks", ClockReport), ("steps", StepFigures)):
        fields[name] = tuple(
            kind(**_checked(entry, kind, f"{path}: {name}[{n}]"))
            for n, entry in enumerate(fields[name])
        )
    for cell, counts in fields["cells"].items():
        if not (isinstance(counts, list) and [type(count) for count in counts] == [int, int]):
            raise BuildReportError(f"{path}: cells.{cell} is {counts!r}, but must be two counts")
        fields["cells"][cell] = tuple(counts)
    if PREFIX + fields["board"] != path.stem:
        raise BuildReportError(
            f"{path} reports on {fields['board']!r}: call it {PREFIX}{fields['board']}.json"
        )
    return BuildReport(**fields)


def _checked(value: object, kind: type, where: str) -> dict:
    """`value` as a mapping of exactly the fields of the dataclass `kind`, of their types."""
    types = {field.name: field.type for field in dataclasses.fields(kind)}
    if not isinstance(value, dict):
        raise BuildReportError(f"{where} is {value!r}, but must be an object")
    for problem, keys in (
        ("lacks the field", types.keys() - value.keys()),
        ("has an unknown field", value.keys() - types.keys()),
    ):
        if keys:
            raise BuildReportError(f"{where} {problem} {min(keys)!r}")
    for name, wanted in types.items():
        entry = value[name]
        right = (
            isinstance(entry, str) and bool(entry)
            if wanted is str
            else type(entry) is int and entry >= 0
            if wanted is int
            else type(entry) in (int, float) and isfinite(entry) and entry >= 0
            if wanted is float
            else isinstance(entry, list if str(wanted).startswith("tuple") else dict)
        )
        if not right:
            raise BuildReportError(f"{where}: {name} is {entry!r}, which is no such value")
    return value
