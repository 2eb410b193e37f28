"""Reports of whole networks that ship: they are of these networks, and of these numbers."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import sim
from golden.network import INPUT
from rfcn.dataflow import dataflow
from rfcn.layers import layer_table
from rfcn.synthetic import synthetic_network

REPORTS = sorted((Path(sim.__file__).parent / "reports").glob("*.json"))


def test_there_are_reports():
    assert REPORTS


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_layers_and_sums(path):
    report = json.loads(path.read_text())
    assert report["bit_exact"]
    assert "synthetic" in report["weights"]
    names = [step.name for step in dataflow(layer_table(report["net"]))]
    layers = report["layers"]
    if "--layers" not in report["command"]:
        assert [layer["name"] for layer in layers] == names
    assert {layer["name"] for layer in layers} <= set(names)
    assert report["lower_bound_cycles"] == sum(layer["bound"] for layer in layers)
    assert report["utilisation"] == report["lower_bound_cycles"] / report["cycles"]
    cycles = sum(layer["cycles"] for layer in layers)
    # What comes before the first command and after the last map belongs to no layer.
    assert 0 <= report["cycles"] - cycles < 2000 * report["parts"]
    assert cycles > 100_000
    lines = "".join(
        f"{layer['name']} {layer['digest']}\n" for layer in layers if layer["digest"] is not None
    )
    assert hashlib.sha256(lines.encode()).hexdigest() == report["digest"]


@pytest.mark.slow
@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_digests_are_those_of_the_golden_maps(path):
    report = json.loads(path.read_text())
    network = synthetic_network(report["net"], bits=report["quantization"]["weights"]["bits"])
    form = network.input.format
    rng = np.random.default_rng(report["seed"])
    pixels = rng.integers(form.low, form.high, size=network.input.shape, endpoint=True)
    maps = network.run(pixels, [INPUT, *(layer["name"] for layer in report["layers"])])
    for layer in report["layers"]:
        if layer["digest"] is not None:
            found = hashlib.sha256(maps[layer["name"]].tobytes()).hexdigest()
            assert found == layer["digest"], layer["name"]
