"""Every fault of the user's ends in one sentence and a status that is not 0."""

import numpy as np
import pytest

from sim import engine
from tests.cli.runner import fault, run

OWN = ("simulate", "--preset", "tiny", "--cin", 2, "--cout", 2, "--kernel", 1)
SMALL = (*OWN, "--height", 2, "--width", 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("simulate", "--layer", "res2a_branch2x"), ("res2a_branch2x", "did you mean")),
        (("simulate", "--net", "vgg16", "--layer", "conv1"), ("vgg16",)),
        (("simulate",), ("--layer", "--cin")),
        (OWN, ("--height", "--width")),
        (("simulate", "--layer", "conv1", "--cin", 3), ("--cin",)),
        (("simulate", "--layer", "conv1", "--crop", "12"), ("--crop", "HEIGHTxWIDTH")),
        (("simulate", "--layer", "conv1", "--image", "0x5"), ("--image",)),
        ((*SMALL, "--preset", "huge"), ("huge", "tiny")),
        ((*SMALL, "--bits", 9), ("bits", "9")),
        ((*SMALL, "--bits", 1), ("bits", "1")),
        ((*SMALL, "--levels", 0), ("levels", "0")),
        ((*SMALL, "--method", "round"), ("round", "lbw")),
        ((*SMALL, "--terms", 3), ("terms", "3")),
        ((*SMALL, "--method", "exact", "--sparsity", 2), ("sparsity", "2")),
        ((*SMALL, "--stalls", 1), ("stalls", "1")),
        ((*SMALL, "--groups", 2), ("groups", "2")),
        ((*SMALL, "--padding", -1), ("padding", "-1")),
        ((*OWN, "--height", 0, "--width", 2), ("height", "0")),
        ((*OWN[:-1], 7, "--height", 2, "--width", 2), ("kernel", "7x7")),
        ((*SMALL, "--cin", 600), ("depth", "600")),
        ((*SMALL, "--weights", "missing.npz"), ("missing.npz",)),
        (("quantize",), ("--net",)),
        (("quantize", "missing.npz"), ("missing.npz",)),
        (("quantize", "--net", "vgg16"), ("vgg16",)),
        (("verilog", "--preset", "huge", "-o", "out"), ("huge",)),
        (("verilog", "--preset", "tiny", "--levels", 40, "-o", "out"), ("levels", "40")),
        (("verilog", "--preset", "tiny", "--accumulator-bits", 4, "-o", "out"),
         ("accumulator_bits", "4")),
        (("verilog", "--preset", "tiny", "--bus", 8, "-o", "out"), ("--bus", "--system")),
        (("verilog", "--preset", "tiny", "--address-bits", 40, "-o", "out"), ("--system",)),
        (("verilog", "--system", "--preset", "tiny", "--bus", 3, "-o", "out"), ("bus_bytes", "3")),
        (("verilog", "--system", "--preset", "tiny", "--address-bits", 31, "-o", "out"),
         ("address_bits", "31")),
        (("verilog", "--system", "--preset", "tiny-float32", "-o", "out"), ("float32", "system")),
        ((*SMALL, "--netlist", "--whole"), ("--netlist", "--whole")),
        ((*SMALL, "--netlist"), ("--netlist", "icarus")),
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sentence = fault(*arguments)
    for word in words:
        assert word in sentence
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(bad, tmp_path):
    weights = np.ones((2, 2, 1, 1), np.float32)
    weights[1, 0] = bad
    path = tmp_path / "weights.npy"
    np.save(path, weights)
    for arguments in (("quantize", path), (*SMALL, "--weights", path)):
        assert "finite" in fault(*arguments) or "NaN" in fault(*arguments)


def test_weights_of_another_shape(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, own=np.ones((2, 3, 1, 1)))
    sentence = fault(*SMALL, "--weights", path)
    assert "(2, 3, 1, 1)" in sentence
    assert "(2, 2, 1, 1)" in sentence


def test_weights_without_the_layer(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, a=np.ones(1), b=np.ones(1))
    assert "'own'" in fault(*SMALL, "--weights", path)


def test_a_file_that_is_no_array_file(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_text("not an archive")
    assert str(path) in fault("quantize", path)


def test_no_convolution_in_the_file(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, bias=np.ones(4))
    assert "four axes" in fault("quantize", path)


def test_a_missing_simulator(monkeypatch, tmp_path):
    monkeypatch.setenv("ZEROSHIFT_BUILD", str(tmp_path))
    monkeypatch.setattr(engine.shutil, "which", lambda program: None)
    assert "iverilog" in fault(*SMALL, "--engine", "icarus")
    assert "g++" in fault(*SMALL, "--engine", "verilator")


def test_an_unknown_option_and_an_unknown_engine():
    assert run("simulate", "--lair", "conv1").status == 2
    assert run(*SMALL, "--engine", "modelsim").status == 2


def test_a_picture_of_an_unknown_kind(tmp_path):
    path = tmp_path / "weights.npy"
    np.save(path, np.ones((2, 2, 1, 1)))
    assert ".png" in fault("quantize", path, "--plot", tmp_path / "levels.doc")
