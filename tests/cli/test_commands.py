"""What the commands write and print."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from golden.quantize import quantize
from tests.cli.runner import run

needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="iverilog is not installed"
)
OWN = (
    "simulate", "--preset", "tiny", "--engine", "icarus", "--cin", 3, "--cout", 5,
    "--kernel", 3, "--padding", 1, "--height", 5, "--width", 7,
)  # fmt: skip


@pytest.mark.parametrize(
    "command", ["quantize", "stats", "export", "detect", "simulate", "compare", "verilog", "demo"]
)
def test_help_has_examples(command):
    outcome = run(command, "--help")
    assert outcome.status == 0
    assert f"zeroshift {command}" in outcome.output


def test_quantize_keeps_what_it_quantized(tmp_path):
    rng = np.random.default_rng(5)
    weights = {"a": rng.normal(size=(4, 3, 3, 3)), "b": rng.normal(size=(2, 4, 1, 1))}
    np.savez(tmp_path / "w.npz", **weights, bias=np.ones(4))
    outcome = run(
        "quantize", tmp_path / "w.npz", "-o", tmp_path / "q.npz", "--bits", 4,
        "--json", tmp_path / "q.json", "--plot", tmp_path / "q.png",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    report = json.loads((tmp_path / "q.json").read_text())
    with np.load(tmp_path / "q.npz") as file:
        kept = dict(file)
    assert (tmp_path / "q.png").read_bytes().startswith(b"\x89PNG")
    assert [row["name"] for row in report["arrays"]] == ["a", "b"]
    for row in report["arrays"]:
        expected = quantize(weights[row["name"]], bits=4)
        assert row["nonzeros"] == expected.nonzeros
        assert np.array_equal(kept[f"{row['name']}.0.sign"], expected.sign)
        assert np.array_equal(kept[f"{row['name']}.0.level"], expected.level)
        assert kept[f"{row['name']}.0.scale"] == expected.scale


@needs_icarus
def test_simulate_reports_every_figure(tmp_path):
    outcome = run(*OWN, "--stalls", 0.2, "--seed", 3, "--json", tmp_path / "s.json")
    assert outcome.status == 0, outcome.errors
    report = json.loads((tmp_path / "s.json").read_text())
    assert report["bit_exact"] is True
    assert report["cycles"] >= report["lower_bound_cycles"] > 0
    assert report["utilisation"] == report["lower_bound_cycles"] / report["cycles"]
    assert 0 < report["lane_packing"] <= 1
    assert report["nonzeros"] > 0
    assert report["sim_cycles_per_second"] > 0
    assert "synthetic" in report["weights"]
    assert "synthetic" in outcome.output


@needs_icarus
@pytest.mark.parametrize("terms", [1, 2])
def test_simulate_takes_float_and_quantized_weights(tmp_path, terms):
    weights = np.random.default_rng(1).normal(size=(5, 3, 3, 3))
    np.savez(tmp_path / "w.npz", own=weights)
    options = ("--levels", 2, "--terms", terms, "--method", "exact")
    assert run("quantize", tmp_path / "w.npz", "-o", tmp_path / "q.npz", *options).status == 0
    reports = []
    for arguments in (("w.npz", *options), ("q.npz",)):
        outcome = run(
            *OWN, "--weights", tmp_path / arguments[0], *arguments[1:],
            "--json", tmp_path / "s.json",
        )  # fmt: skip
        assert outcome.status == 0, outcome.errors
        reports.append(json.loads((tmp_path / "s.json").read_text()))
    assert reports[0]["nonzeros"] == reports[1]["nonzeros"]
    assert reports[0]["cycles"] == reports[1]["cycles"]


def test_verilog_is_complete_and_accepted(tmp_path):
    outcome = run("verilog", "--preset", "tiny", "--levels", 2, "-o", tmp_path / "rtl")
    assert outcome.status == 0, outcome.errors
    folder = tmp_path / "rtl"
    assert (folder / "array.f").read_text().split() == ["array.v"]
    ports = (folder / "ports.md").read_text()
    verilog = (folder / "array.v").read_text()
    header = verilog.split("module array(", 1)[1].split(");", 1)[0]
    for port in (name.strip() for name in header.split(",")):
        assert f"| `{port}` |" in ports
    if shutil.which("iverilog"):
        compiled = ["iverilog", "-s", "array", "-o", str(tmp_path / "a"), str(folder / "array.v")]
        assert subprocess.run(compiled, check=False).returncode == 0


def test_the_verilog_of_a_system_comes_with_its_documents(tmp_path):
    folder, report = tmp_path / "rtl", tmp_path / "report.json"
    options = ("--preset", "tiny", "--bus", 4, "--address-bits", 34)
    outcome = run("verilog", "--system", *options, "-o", folder, "--json", report)
    assert outcome.status == 0, outcome.errors
    told = json.loads(report.read_text())
    assert sorted(told["files"]) == sorted(path.name for path in folder.iterdir())
    verilog, ports = (folder / "system.v").read_text(), (folder / "ports.md").read_text()
    header = verilog.split(f"module {told['top']} (", 1)[1].split(");", 1)[0]
    declared = {
        name: int(high or 0) + 1
        for high, name in re.findall(r"(?:input|output) wire (?:\[(\d+):0\] )?(\w+)", header)
    }
    assert declared == {"aclk": 1, "aresetn": 1} | {p["name"]: p["width"] for p in told["ports"]}
    assert declared["m_axi_mem_wdata"] == 32
    assert declared["m_axi_mem_araddr"] == 34
    assert all(f"| `{name}` |" in ports for name in declared)
    registers = json.loads((folder / "registers.json").read_text())
    (config,) = (r for r in registers["children"] if r["name"] == "CONFIG")
    assert config["children"][0]["reset"] == told["digest"]
