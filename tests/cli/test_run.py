"""`zeroshift run` on a board in software."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from boards.catalogue import find_board
from cli.system_networks import load_network
from compiler.system.lower import lower_network
from host.link import Link
from rfcn.data.images import prepare
from rfcn.networks import find_network
from tests.cli.runner import run
from tests.host.emulated_board import GoldenBoard

FILE = 80, 88
"""Height and width of the files."""

SIZE = prepare(np.zeros((*FILE, 3), dtype=np.uint8), find_network("rfcn-tiny"))[0].shape[1:]
"""Height and width of the network's input."""


@pytest.fixture(scope="module")
def compiled():
    network = load_network("rfcn-tiny", None, size=SIZE, bits=4)
    return network, lower_network(network, find_board("ulx3s").system)


@pytest.fixture
def board(compiled, monkeypatch):
    network, image = compiled
    board = GoldenBoard(image, network, memory=1 << 25)
    opened = []
    monkeypatch.setattr(Link, "open", lambda *args, **named: opened.append((args, named)) or board)
    board.opened = opened
    return board


@pytest.fixture
def picture(tmp_path):
    pixels = np.full((*FILE, 3), 90, dtype=np.uint8)
    pixels[20:50, 30:60] = (220, 60, 60)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    return path


def test_images_go_through_the_board(board, picture, tmp_path):
    out, report = tmp_path / "out.png", tmp_path / "run.json"
    images = ["--image", picture, "--image", picture]
    done = run("run", "--port", "/dev/x", *images, "--check", "-o", out, "--json", report)
    assert done.status == 0, done.errors
    assert board.opened == [(("/dev/x",), {"baud": 3_000_000, "timeout": pytest.approx(0.2)})]
    assert "weights loaded" in done.output
    assert "every output equal to the golden model's" in done.output
    figures = json.loads(report.read_text())
    assert figures["loads"] == 1
    assert len(figures["images"]) == 2
    assert figures["images"][0]["counters"]["CYCLES"] > 0
    with Image.open(out) as drawn:
        assert drawn.width > 100
    written = board.written
    again = run("run", "--port", "/dev/x", "--image", picture, "--verify", "-o", out)
    assert again.status == 0, again.errors
    assert "weights already there" in again.output
    assert board.written - written < 2 * SIZE[0] * SIZE[1] * 3
    forced = run("run", "--port", "/dev/x", "--image", picture, "--reload", "-o", out)
    assert "weights loaded" in forced.output


def test_a_wrong_output_is_told(board, picture, tmp_path, monkeypatch):
    compute = board.compute

    def wrong(window):
        compute(window)
        place = board.image.maps[board.image.outputs[0]].place
        window[place.address] ^= 1

    monkeypatch.setattr(board, "compute", wrong)
    done = run("run", "--port", "/dev/x", "--image", picture, "--check", "-o", tmp_path / "out.png")
    assert done.status == 1
    assert "differs from the golden model in 1 of" in done.errors
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "either --port, where the board is, or --simulate"),
        (["--port", "x", "--simulate"], "either --port"),
        (["--port", "x", "--board", "none"], "no board is called 'none'"),
        (["--port", "x", "--board", "icebreaker"], "the icebreaker holds no system"),
        (["--port", "x", "--threshold", "1"], "--threshold is 1"),
        (["--port", "x", "--width", "3"], "--width is 3"),
        (["--port", "x", "--baud", "0"], "--baud is 0"),
        (["--port", "x", "-o", "a.txt"], "a.txt"),
        (["--port", "x", "--net", "missing.npz"], "there is no file missing.json"),
        (["--port", "x", "--image", "missing.png"], "missing.png"),
    ],
)
def test_faults_are_told_in_a_sentence(options, words, board, picture, tmp_path):
    image = [] if "--image" in options else ["--image", picture]
    done = run("run", *image, "-o", tmp_path / "out.png", *options)
    assert done.status == 1
    assert words in done.errors
    assert done.errors.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "missing", "words"),
    [
        ([], "serial", "pip install 'zeroshift[host]'"),
        (["--net", "missing.npz"], None, "there is no file missing.json"),
        (["--board", "icebreaker"], None, "the icebreaker holds no system"),
    ],
)
def test_nothing_is_simulated_in_vain(options, missing, words, picture, tmp_path, monkeypatch):
    def server(*_args, **_named):
        raise AssertionError("a board was built")

    monkeypatch.setattr("cli.run.BoardServer", server)
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
    done = run("run", "--simulate", "--image", picture, "-o", tmp_path / "out.png", *options)
    assert done.status == 1
    assert words in done.errors


def test_a_network_with_more_levels_than_the_board_is_refused(board, picture, tmp_path):
    from rfcn.pretrained import INTEGER

    done = run(
        "run", "--port", "/dev/x", "--image", picture, "--net", INTEGER[6],
        "-o", tmp_path / "out.png",
    )  # fmt: skip
    assert done.status == 1
    assert "have 16 levels, but the ulx3s computes with 4" in done.errors
