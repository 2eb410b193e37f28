"""What a design takes of an FPGA, and how fast it runs there: read from and written to JSON."""

import dataclasses
import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from boards.build_report import PREFIX
from boards.resources import Resources
from golden.errors import UserError

REPORTS = Path(__file__).parent / "reports"
"""Where the reports of the designs lie, one file each."""


class ReportError(UserError):
    """A report is unreadable or malformed; the message names the file and the field."""


@dataclass(frozen=True, kw_only=True)
class RowReport:
    """A row of an array, with its memory, placed and routed by itself.

    Parameters
    ----------
    lanes : of the row.
    resources : that it takes.
    clock_mhz : highest clock, in MHz.
    """

    lanes: int
    resources: Resources
    clock_mhz: float


@dataclass(frozen=True, kw_only=True)
class BoardReport:
    """A design on an FPGA.

    Parameters
    ----------
    design : name of the design; the report's file is called `design`.json.
    device : the FPGA with its speed grade.
    lane : what a lane more takes in a row.
    rows : rows of several sizes.
    array : what the whole array takes.
    available : what the FPGA has.
    processing_elements : of the array.
    clock_mhz : highest clock after place and route, in MHz.
    placed : what was placed and routed for that clock.
    seed : of the placements.
    tools : the tools by name, with their versions.
    """

    design: str
    device: str
    lane: Resources
    rows: tuple[RowReport, ...]
    array: Resources
    available: Resources
    processing_elements: int
    clock_mhz: float
    placed: str
    seed: int
    tools: dict[str, str]

    def fields(self) -> dict:
        """All of it as plain mappings, lists, numbers and texts."""
        return dataclasses.asdict(self)

    def write(self, folder: Path) -> None:
        """Write the report to `folder`, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.fields(), indent=2) + "\n"
        path = folder / f"{self.design}.json"
        new = path.with_suffix(".json.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)


def read_report(path: Path) -> BoardReport:
    """Read a report.

    Raises
    ------
    ReportError : no JSON, a field is missing, unknown or of the wrong type or range, or the report
        is that of a design other than its file's name.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as failure:
        raise ReportError(f"{path} is no readable JSON file: {failure}") from failure
    fields = _checked(fields, BoardReport, str(path))
    for name in ("lane", "array", "available"):
        fields[name] = _resources(fields[name], f"{path}: {name}")
    if not isinstance(fields["rows"], list):
        raise ReportError(f"{path}: rows is {fields['rows']!r}, but must be a list")
    fields["rows"] = tuple(_row(row, f"{path}: rows[{n}]") for n, row in enumerate(fields["rows"]))
    for name in ("design", "device", "placed"):
        if not isinstance(fields[name], str) or not fields[name]:
            raise ReportError(f"{path}: {name} is {fields[name]!r}, but must be a name")
    tools = fields["tools"]
    if not isinstance(tools, dict) or not all(isinstance(value, str) for value in tools.values()):
        raise ReportError(f"{path}: tools is {tools!r}, but must map tools to their versions")
    _number(fields["clock_mhz"], f"{path}: clock_mhz")
    _number(fields["processing_elements"], f"{path}: processing_elements")
    for name in ("processing_elements", "seed"):
        if type(fields[name]) is not int:
            raise ReportError(f"{path}: {name} is {fields[name]!r}, but must be a whole number")
    if fields["design"] != path.stem:
        raise ReportError(
            f"{path} reports on {fields['design']!r}: call it {fields['design']}.json"
        )
    return BoardReport(**fields)


def read_reports(folder: Path = REPORTS) -> dict[str, BoardReport]:
    """The reports in `folder` by design, not those of boards; none when there is no such folder.

    Raises
    ------
    ReportError : a report is malformed, or they are of more than one FPGA.
    """
    paths = (path for path in sorted(folder.glob("*.json")) if not path.name.startswith(PREFIX))
    reports = {path.stem: read_report(path) for path in paths}
    devices = {report.device: name for name, report in reports.items()}
    if len(devices) > 1:
        some = " and ".join(f"{name} of {device}" for device, name in sorted(devices.items())[:2])
        raise ReportError(
            f"{folder} holds reports of different FPGAs, {some}: keep one FPGA a folder"
        )
    return reports


def _resources(value: object, where: str) -> Resources:
    fields = _checked(value, Resources, where)
    for name, number in fields.items():
        _number(number, f"{where}.{name}", zero=True)
    return Resources(**fields)


def _row(value: object, where: str) -> RowReport:
    fields = _checked(value, RowReport, where)
    _number(fields["lanes"], f"{where}.lanes")
    _number(fields["clock_mhz"], f"{where}.clock_mhz")
    fields["resources"] = _resources(fields["resources"], f"{where}.resources")
    return RowReport(**fields)


def _checked(value: object, kind: type, where: str) -> dict:
    """`value` as a mapping of exactly the fields of the dataclass `kind`."""
    names = [field.name for field in dataclasses.fields(kind)]
    if not isinstance(value, dict):
        raise ReportError(f"{where} is {value!r}, but must be an object of {', '.join(names)}")
    for problem, keys in (
        ("lacks the field", [name for name in names if name not in value]),
        ("has an unknown field", [name for name in value if name not in names]),
    ):
        if keys:
            raise ReportError(f"{where} {problem} {keys[0]!r}; its fields are {', '.join(names)}")
    return value


def _number(value: object, where: str, *, zero: bool = False) -> None:
    number = float(value) if isinstance(value, int | float) and value is not True else -1.0
    if not isfinite(number) or number < 0 or (number == 0 and not zero):
        least = "of at least 0" if zero else "above 0"
        raise ReportError(f"{where} is {value!r}, but must be a number {least}")
