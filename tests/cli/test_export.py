"""`zeroshift export`, `detect` and `stats`, as a user runs them."""

import json

import numpy as np
import pytest
from PIL import Image

from golden.layer import IntegerConv
from golden.network_files import read_network, write_network
from golden.quantize import quantize
from rfcn.data.shapes import ShapesSettings, write_shapes
from rfcn.model.network import RFCN
from rfcn.quantized.settings import Recipe, WeightSettings
from rfcn.quantized.training import QuantizedTraining
from rfcn.synthetic import synthetic_network
from rfcn.training.checkpoints import Checkpoint, write_checkpoint
from rfcn.training.config import default_config
from tests.cli.runner import fault, run


def write_model(path, recipe):
    """A checkpoint of a network with random weights."""
    model = RFCN("rfcn-tiny")
    quantized = QuantizedTraining(model, recipe)
    checkpoint = Checkpoint(
        net="rfcn-tiny", step=1, model=model.state_dict(),
        config=default_config("rfcn-tiny").state(), recipe=recipe.as_dict(),
        quantized=quantized.state_dict(),
    )  # fmt: skip
    write_checkpoint(path, checkpoint)
    return model


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a data set, images, checkpoints and an integer network."""
    folder = tmp_path_factory.mktemp("export")
    write_shapes(folder / "shapes", ShapesSettings(train=3, val=0, test=1, seed=1))
    write_model(folder / "float.pt", Recipe())
    write_model(folder / "four.pt", Recipe(weights=WeightSettings(bits=4, method="exact")))
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (40, 56)), ("b.jpg", (64, 48))):
        pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / name)
    write_network(folder / "net.npz", synthetic_network("rfcn-tiny"))
    return folder


def test_export_of_a_float_network(files, tmp_path):
    outcome = run(
        "export", "--checkpoint", files / "float.pt", "--data", files / "shapes", "--bits", 4,
        "--size", "64x96", "--count", 2, "-o", tmp_path / "net.npz", "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    network = read_network(tmp_path / "net.npz")
    assert network.input.shape == (3, 64, 96)
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["image"] == [64, 96]
    assert (len(report["layers"]), report["quantization"]["weights"]["method"]) == (21, "lbw")
    assert "float.pt" in network.origin
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.json", "net.npz", "r.json"]


def test_export_keeps_the_weights_of_training(files, tmp_path):
    outcome = run(
        "export", "--checkpoint", files / "four.pt", "--images", files / "images",
        "-o", tmp_path / "net.npz", "--activation-bits", 6, "--power-of-two",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    network = read_network(tmp_path / "net.npz")
    import torch

    state = torch.load(files / "four.pt", weights_only=True)["model"]
    for node in network.nodes:
        if isinstance(node.layer, IntegerConv):
            weights = quantize(state[f"{node.name}.weight"].numpy(), bits=4, method="exact")
            np.testing.assert_array_equal(node.layer.terms[0], weights.integers())
            assert node.format.bits == 6


def test_detect_draws_both_networks_side_by_side(files, tmp_path):
    images = [files / "images" / name for name in ("a.png", "b.jpg")]
    outcome = run(
        "detect", *images, "--checkpoint", files / "float.pt", "--network", files / "net.npz",
        "-o", tmp_path / "out.png", "--threshold", 0.2, "--width", 128,
        "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    report = json.loads((tmp_path / "r.json").read_text())
    titles = ["float", "integers, 4-bit lbw weights, 8-bit activations"]
    assert [row["title"] for row in report["images"]] == titles * 2
    with Image.open(tmp_path / "out.png") as picture:
        # Two images across with a gap around each.
        assert picture.width == 2 * 128 + 3 * 12
        assert picture.height > 128 * 40 // 56 + 128 * 64 // 48


@pytest.mark.parametrize("option", [("--checkpoint", "four.pt"), ("--network", "net.json")])
def test_detect_with_one_network(files, tmp_path, option):
    outcome = run(
        "detect", files / "images" / "a.png", option[0], files / option[1],
        "-o", tmp_path / "out.jpg", "--width", 128,
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.width == 128 + 2 * 12


def test_stats_of_a_checkpoint(files, tmp_path):
    outcome = run(
        "stats", "--checkpoint", files / "float.pt", "--layers", "conv1,rpn_conv/3x3",
        "--bits", "4,6", "--plot", tmp_path, "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    names = sorted(path.name for path in tmp_path.glob("*.png"))
    assert names == ["histograms.png", "levels-4.png", "levels-6.png"]
    import torch

    weights = torch.load(files / "float.pt", weights_only=True)["model"]["conv1.weight"].numpy()
    layer = json.loads((tmp_path / "r.json").read_text())["layers"][0]
    centred = weights.astype(np.float64) - weights.mean(dtype=np.float64)
    moments = [np.mean(centred**power) for power in (2, 3, 4)]
    assert np.isclose(layer["skewness"], moments[1] / moments[0] ** 1.5)
    assert np.isclose(layer["excess_kurtosis"], moments[2] / moments[0] ** 2 - 3)
    quantized = quantize(weights, bits=4)
    column = layer["quantized"]["4-bit lbw"]
    # A mask bit for each weight, a sign and two bits for each that is not zero.
    assert column["bytes"] == -(-(weights.size + 3 * quantized.nonzeros) // 8)
    assert np.isclose(column["shares"]["zero"], 1 - quantized.density)
    values = np.abs(quantized.dequantize())
    for octave, share in column["shares"].items():
        if octave != "zero":
            assert np.isclose(share, np.mean(values == 2.0 ** int(octave.removeprefix("2^"))))
    assert np.isclose(sum(layer["float_shares"].values()), 1)
    assert "2^" in outcome.output


def test_stats_give_the_paper_s_table(tmp_path):
    """Table 3.2 has 64x64x3x3 weights, of which 4, 5 and 6 bits leave so many at zero."""
    outcome = run(
        "stats", "--net", "rfcn-resnet50", "--layers", "res2a_branch2b",
        "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    (layer,) = json.loads((tmp_path / "r.json").read_text())["layers"]
    zeros = [layer["quantized"][f"{bits}-bit lbw"]["shares"]["zero"] for bits in (4, 5, 6)]
    assert [round(share * 64 * 64 * 3 * 3) for share in zeros] == [30554, 3713, 11]
    assert 5.3 < layer["quantized"]["6-bit lbw"]["times_smaller"] < 5.4
    assert "10.072%" in outcome.output
    assert "synthetic" in outcome.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export", "--checkpoint", "float.pt", "-o", "n.npz"), ("--bits",)),
        (("export", "--checkpoint", "float.pt", "-o", "n.npz", "--bits", 4), ("images",)),
        (("export", "--checkpoint", "float.pt", "-o", "n.pt", "--bits", 4), (".npz",)),
        (("export", "--checkpoint", "none.pt", "-o", "n.npz", "--bits", 4), ("none.pt",)),
        (("export", "--checkpoint", "net.json", "-o", "n.npz", "--bits", 4), ("net.json",)),
        (("export", "--checkpoint", "four.pt", "-o", "n.npz", "--bits", 4, "--images", "images"),
         ("trained with quantized weights",)),
        (("export", "--checkpoint", "float.pt", "-o", "n.npz", "--bits", 4, "--images", "shapes"),
         ("no image in",)),
        (("export", "--checkpoint", "float.pt", "-o", "n.npz", "--bits", 4, "--images", "none"),
         ("no folder none",)),
        (("export", "--checkpoint", "float.pt", "-o", "n.npz", "--bits", 4, "--images", "images",
          "--data", "shapes"), ("--data", "--images")),
        (("export", "--checkpoint", "float.pt", "-o", "n.npz", "--bits", 4, "--data", "images"),
         ("images",)),
        (("export", "--checkpoint", "float.pt", "-o", "n.npz", "--bits", 4, "--images", "images",
          "--activation-bits", 3), ("3", "4 to 8")),
        (("export", "--checkpoint", "float.pt", "-o", "n.npz", "--bits", 4, "--images", "images",
          "--size", "2x2"), ("2x2",)),
        (("export", "--checkpoint", "float.pt", "-o", "n.npz", "--bits", 4, "--count", 0),
         ("--count",)),
        (("detect", "images/a.png", "-o", "o.png"), ("--checkpoint", "--network")),
        (("detect", "images/a.png", "-o", "o.gif", "--network", "net.npz"), (".png",)),
        (("detect", "images/none.png", "-o", "o.png", "--network", "net.npz"), ("none.png",)),
        (("detect", "net.json", "-o", "o.png", "--network", "net.npz"), ("net.json", "image")),
        (("detect", "images/a.png", "-o", "o.png", "--network", "none.npz"), ("none.json",)),
        (("detect", "images/a.png", "-o", "o.png", "--network", "net.npz", "--threshold", 1),
         ("--threshold",)),
        (("detect", "images/a.png", "-o", "o.png", "--network", "net.npz", "--width", 1),
         ("--width",)),
        (("stats",), ("--checkpoint", "--net")),
        (("stats", "--checkpoint", "float.pt", "--layers", "conv9"), ("conv9", "conv1")),
        (("stats", "--checkpoint", "float.pt", "--bits", 9), ("9",)),
        (("stats", "--checkpoint", "none.npz"), ("none.npz",)),
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence(files, arguments, words, monkeypatch):
    monkeypatch.chdir(files)
    sentence = fault(*arguments)
    for word in words:
        assert word in sentence
    assert not list(files.glob("n.*")) + list(files.glob("o.*"))
