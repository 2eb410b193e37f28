"""`zeroshift train` and `zeroshift evaluate`, as a user runs them."""

import csv
import json

import pytest
import torch

from rfcn.data.shapes import ShapesSettings, write_shapes
from tests.cli.runner import fault, run


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "shapes"
    write_shapes(folder, ShapesSettings(train=4, val=0, test=3, seed=1))
    return folder


@pytest.fixture(scope="module")
def trained(shapes, tmp_path_factory):
    """The folder of a short training."""
    output = tmp_path_factory.mktemp("trained") / "float"
    outcome = train(shapes, output, "--iterations", 2, "--json", output / "report.json")
    assert outcome.status == 0, outcome
    return output


def arguments(shapes, output, *more):
    return ("train", "--data", shapes, "--split", "train", "--batch", 2, "--output", output, *more)


def train(shapes, output, *more):
    return run(*arguments(shapes, output, *more))


def test_a_training_leaves_its_files(trained):
    report = json.loads((trained / "report.json").read_text())
    assert (report["net"], report["steps"], report["images"]) == ("rfcn-tiny", 2, 4)
    assert {path.name for path in trained.iterdir()} == {
        "checkpoint.pt", "network.pt", "losses.csv", "report.json",
    }  # fmt: skip


def test_the_losses_are_drawn(shapes, tmp_path):
    output = tmp_path / "long"
    outcome = train(shapes, output, "--iterations", 20, "--checkpoint-every", 10)
    assert outcome.status == 0, outcome
    assert "step 10 of 20" in outcome.errors
    assert (output / "losses.png").stat().st_size > 1000
    (row,) = csv.DictReader((output / "losses.csv").read_text().splitlines())
    assert row["step"] == "20"
    assert float(row["loss"]) == pytest.approx(
        sum(float(row[name]) for name in ("rpn_class", "rpn_box", "class", "box", "recipe")),
        rel=1e-3,
    )


def test_retraining_with_few_bits_and_evaluation(shapes, trained, tmp_path):
    output = tmp_path / "four"
    outcome = train(
        shapes, output, "--start", trained / "network.pt", "--bits", 4, "--iterations", 1
    )
    assert outcome.status == 0, outcome
    assert "4 bits, lbw" in outcome.output
    report = tmp_path / "map.json"
    outcome = run("evaluate", "--checkpoint", output / "network.pt", "--data", shapes,
                  "--json", report)  # fmt: skip
    assert outcome.status == 0, outcome
    figures = json.loads(report.read_text())
    assert (figures["images"], figures["recipe"]["weights"]["bits"]) == (3, 4)
    assert figures["mean"].keys() == {"0.5", "0.75"}
    assert "quantized already" in fault(
        "evaluate", "--checkpoint", output / "network.pt", "--data", shapes, "--bits", 2
    )


def test_quantization_without_retraining(shapes, trained, tmp_path):
    report = tmp_path / "map.json"
    outcome = run(
        "evaluate", "--checkpoint", trained / "network.pt", "--data", shapes, "--images", 2,
        "--bits", 3, "--method", "exact", "--metric", "area", "--json", report,
    )  # fmt: skip
    assert outcome.status == 0, outcome
    figures = json.loads(report.read_text())
    assert (figures["weights"], figures["images"], figures["metric"]) == (
        "3 bits, exact", 2, "area",
    )  # fmt: skip


def test_a_finished_training_has_nothing_left_to_do(shapes, trained):
    outcome = run("train", "--data", shapes, "--split", "train", "--output", trained, "--resume")
    assert outcome.status == 0, outcome
    assert "2 of 2" in outcome.output


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--resume", "--seed", 1), ("seed 0, not 1",)),
        (("--resume", "--net", "rfcn-resnet50"), ("rfcn-tiny, not rfcn-resnet50",)),
        (("--resume", "--bits", 4), ("weights none",)),
        (("--resume", "--start", "network.pt"), ("--resume", "--start")),
        ((), ("--resume", "--output")),
    ],
)
def test_a_training_that_is_there_already(more, words, shapes, trained):
    before = (trained / "checkpoint.pt").read_bytes()
    sentence = fault(*arguments(shapes, trained, *more))
    for word in words:
        assert word in sentence
    assert (trained / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--resume",), ("there is no checkpoint",)),
        (("--start", "missing.pt"), ("missing.pt",)),
        (("--start", "a.pt", "--backbone", "b.pt"), ("--start", "--backbone")),
        (("--backbone", "missing.pth"), ("missing.pth",)),
        (("--net", "vgg16"), ("vgg16",)),
        (("--bits", 9), ("bits", "9")),
        (("--method", "lbw"), ("--method", "--bits")),
        (("--bits", 4, "--method", "round"), ("round",)),
        (("--activation-start", 5), ("--activation-bits",)),
        (("--bits", 4, "--stages", "6,5"), ("--stages", "ITERATION:BITS")),
        (("--bits", 4, "--prune", 0.5, "--prune-group", "2"), ("--prune-group",)),
        (("--iterations", 0), ("iterations is 0",)),
        (("--learning-rate", -1), ("learning_rate",)),
        (("--schedule", "linear"), ("linear",)),
        (("--drops", "many"), ("--drops",)),
        (("--device", "abacus"), ("abacus", "cpu")),
        (("--device", "cuda:77"), ("cuda:77",)),
        (("--threads", 0), ("--threads",)),
        (("--loaders", -1), ("--loaders",)),
        (("--checkpoint-every", 0), ("--checkpoint-every",)),
        (("--split", "test", "--years", "1492"), ("1492",)),
        (("--split", "val"), ("val",)),
    ],
)
def test_a_fault_is_one_sentence(more, words, shapes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sentence = fault(*arguments(shapes, tmp_path / "out", *more))
    for word in words:
        assert word in sentence
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_data_set(tmp_path):
    assert "VOCdevkit" in fault(*arguments(tmp_path, tmp_path / "out"))
    assert "missing" in fault(*arguments(tmp_path / "missing", tmp_path / "out"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--metric", "average"), ("--metric", "11-point")),
        (("--images", 0), ("--images",)),
        (("--net", "rfcn-resnet101"), ("rfcn-tiny, not of rfcn-resnet101",)),
        (("--split", "val"), ("val",)),
        (("--levels", 0), ("levels",)),
    ],
)
def test_faults_of_an_evaluation(more, words, shapes, trained):
    sentence = fault("evaluate", "--checkpoint", trained / "network.pt", "--data", shapes, *more)
    for word in words:
        assert word in sentence


def test_a_file_that_is_no_checkpoint(shapes, tmp_path):
    path = tmp_path / "resnet.pth"
    torch.save({"conv1.weight": torch.zeros(3)}, path)
    for command in (
        ("evaluate", "--checkpoint", path, "--data", shapes),
        arguments(shapes, tmp_path / "out", "--start", path),
    ):
        assert "no checkpoint of `zeroshift train`" in fault(*command)


def test_without_torch(shapes, tmp_path, monkeypatch):
    monkeypatch.setattr("cli.extras.find_spec", lambda name: None)
    for command in (
        ("evaluate", "--checkpoint", "network.pt", "--data", shapes),
        arguments(shapes, tmp_path / "out"),
    ):
        assert "pip install 'zeroshift[torch]'" in fault(*command)
