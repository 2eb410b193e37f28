"""`zeroshift shapes`: what it writes and tells."""

import json

import numpy as np
import pytest
from PIL import Image

from rfcn.data.voc import VocDataset
from rfcn.networks import SHAPE_CLASSES
from tests.cli.runner import fault, run

FEW = ("--train", 5, "--val", 0, "--test", 2, "--size", 96)


def test_help_has_examples():
    outcome = run("shapes", "--help")
    assert outcome.status == 0
    assert "zeroshift shapes build/shapes" in outcome.output


def test_a_data_set_is_written_once(tmp_path):
    command = ("shapes", tmp_path / "data", *FEW, "--json", tmp_path / "shapes.json")
    outcome = run(*command)
    assert outcome.status == 0, outcome.errors
    assert outcome.output.endswith("data: written\n")
    report = json.loads((tmp_path / "shapes.json").read_text())
    assert report["written"] is True
    assert report["splits"].keys() == {"train", "test"}
    for split, numbers in report["splits"].items():
        dataset = VocDataset(tmp_path / "data", "07", split, SHAPE_CLASSES)
        assert numbers["images"] == len(dataset)
        labels = np.concatenate([sample.labels for sample in dataset])
        assert numbers["objects"] == len(labels)
        assert [numbers[name] for name in SHAPE_CLASSES] == [
            (labels == label).sum() for label in range(1, 7)
        ]
    again = run(*command)
    assert "was there already" in again.output
    assert json.loads((tmp_path / "shapes.json").read_text())["written"] is False
    assert "train 5" in fault("shapes", tmp_path / "data")


@pytest.mark.parametrize(("train", "size"), [(30, (6, 4)), (2, (2, 1))])
def test_preview(tmp_path, train, size):
    counts = ("--train", train, "--val", 0, "--test", 0, "--size", 72)
    outcome = run("shapes", tmp_path / "data", *counts, "--preview", tmp_path / "p.png")
    assert outcome.status == 0, outcome.errors
    assert "p.png" in outcome.output
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.size == tuple(268 * count + 12 for count in size)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--train", -3), ("train", "-3")),
        (("--train", 0, "--val", 0, "--test", 0), ("no images",)),
        (("--size", 10), ("size", "10")),
        ((*FEW, "--preview", "p.svg"), ("p.svg", ".png")),
    ],
)
def test_a_fault_leaves_nothing(tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    sentence = fault("shapes", "data", *options)
    assert all(word in sentence for word in words)
    assert not list(tmp_path.iterdir())
