import dataclasses
import json

import pytest

from boards.report import BoardReport, ReportError, RowReport, read_report, read_reports
from boards.resources import Resources

ROW = Resources(lut4=1200, carry=260, ff=1800, dsp=4, ebr=30)

REPORT = BoardReport(
    design="ulx3s-4",
    device="LFE5U-85F-6",
    lane=Resources(lut4=60.5, carry=13, ff=90, dsp=0, ebr=0.7),
    rows=(
        RowReport(lanes=18, resources=ROW, clock_mhz=120.0),
        RowReport(lanes=36, resources=ROW, clock_mhz=110.5),
    ),
    array=Resources(lut4=30_000, carry=4000, ff=34_000, dsp=48, ebr=152),
    available=Resources(lut4=83_640, carry=0, ff=83_640, dsp=156, ebr=208),
    processing_elements=216,
    clock_mhz=110.5,
    placed="row of 36 lanes",
    seed=1,
    tools={"yosys": "0.60"},
)
"""A report of made-up figures."""


def test_round_trip(tmp_path):
    other = dataclasses.replace(REPORT, design="int8")
    for report in (REPORT, other):
        report.write(tmp_path / "reports")
    assert read_reports(tmp_path / "reports") == {"ulx3s-4": REPORT, "int8": other}
    assert read_report(tmp_path / "reports" / "int8.json") == other


def test_no_folder_has_no_reports(tmp_path):
    assert read_reports(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("device", "", "device is ''"),
        ("device", 85, "device is 85"),
        ("clock_mhz", 0, "clock_mhz is 0, but must be a number above 0"),
        ("clock_mhz", "fast", "clock_mhz is 'fast'"),
        ("clock_mhz", float("nan"), "clock_mhz is nan"),
        ("clock_mhz", True, "clock_mhz is True"),
        ("processing_elements", 1.5, "must be a whole number"),
        ("processing_elements", -1, "processing_elements is -1"),
        ("tools", {"yosys": 0.6}, "versions"),
        ("tools", [], "versions"),
        ("seed", 0.5, "seed is 0.5, but must be a whole number"),
        ("placed", None, "placed is None"),
        ("rows", {}, "rows is {}, but must be a list"),
        ("rows", [{"lanes": 3}], "rows[0] lacks the field 'resources'"),
        ("array", {"lut4": 1}, "array lacks the field 'carry'"),
        ("lane", 5, "lane is 5, but must be an object of lut4, carry"),
        ("lane", {"lut4": 1}, "lane lacks the field 'carry'"),
        ("lane", {**dataclasses.asdict(REPORT.lane), "ebr": -1}, "lane.ebr is -1"),
        ("lane", {**dataclasses.asdict(REPORT.lane), "uram": 1}, "unknown field 'uram'"),
        ("speed", 6, "unknown field 'speed'"),
        ("design", "int8", "call it int8.json"),
    ],
)
def test_a_malformed_report_is_told(field, value, words, tmp_path):
    path = tmp_path / "ulx3s-4.json"
    path.write_text(json.dumps({**dataclasses.asdict(REPORT), field: value}))
    with pytest.raises(ReportError) as fault:
        read_report(path)
    assert words in str(fault.value)
    assert str(path) in str(fault.value)


def test_a_missing_field_and_no_json(tmp_path):
    path = tmp_path / "ulx3s-4.json"
    fields = dataclasses.asdict(REPORT)
    del fields["tools"]
    path.write_text(json.dumps(fields))
    with pytest.raises(ReportError, match="lacks the field 'tools'; its fields are design, device"):
        read_report(path)
    path.write_text("{")
    with pytest.raises(ReportError, match="no readable JSON"):
        read_report(path)


def test_reports_of_two_devices_are_not_compared(tmp_path):
    REPORT.write(tmp_path)
    dataclasses.replace(REPORT, design="int8", device="LFE5U-45F-6").write(tmp_path)
    with pytest.raises(ReportError, match="int8 of LFE5U-45F-6 and ulx3s-4 of LFE5U-85F-6"):
        read_reports(tmp_path)
