"""`zeroshift compile` and `disassemble`, as a user runs them."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from cli.compile import BOARD_MEMORY
from compiler.system.image import read_image, write_image
from compiler.system.interpreter import run_in_order
from compiler.system.lower import lower_network
from golden.network import INPUT
from golden.network_files import read_network, write_network
from params import preset
from params.commands import COMMAND_BYTES
from params.system import SystemConfig
from rfcn.pretrained import INTEGER
from tests.cli.runner import fault, run
from tests.golden.networks import small_network


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with an integer network, its image, and a damaged image."""
    folder = tmp_path_factory.mktemp("compile")
    network = dataclasses.replace(small_network(), origin="drawn by chance [/]")
    write_network(folder / "net.npz", network)
    image = lower_network(network, SystemConfig(array=preset("tiny")))
    write_image(image, folder / "image.npz")
    contents = image.contents.copy()
    contents[image.commands - image.address] = 0xEE
    write_image(dataclasses.replace(image, contents=contents), folder / "damaged.npz")
    packed = (folder / "image.npz").read_bytes()
    (folder / "half.npz").write_bytes(packed[: len(packed) // 2])
    return folder


@pytest.mark.parametrize("command", ["compile", "disassemble"])
def test_help_has_examples(command):
    outcome = run(command, "--help")
    assert outcome.status == 0
    assert f"zeroshift {command} " in outcome.output.split("Examples:")[1]


def test_an_image_of_a_file_runs(files, tmp_path):
    outcome = run(
        "compile", "--network", files / "net.npz", "--preset", "tiny", "--bus", 8,
        "-o", tmp_path / "out.npz", "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    assert "weights: drawn by chance [/]" in outcome.output
    image, network = read_image(tmp_path / "out.npz"), read_network(files / "net.npz")
    assert image.origin == "drawn by chance [/]"
    assert image.config.bus_bytes == 8
    form = network.input.format
    pixels = np.random.default_rng(3).integers(form.low, form.high, network.input.shape)
    memory = image.memory({INPUT: pixels})
    run_in_order(image, memory)
    for name, values in network.run(pixels, network.outputs).items():
        np.testing.assert_array_equal(image.read_map(memory, name), values)


@pytest.mark.parametrize("way", ["--reuse", "--keep-all"])
def test_figures_are_those_of_the_image(files, tmp_path, way):
    outcome = run(
        "compile", "--network", files / "net.npz", "--preset", "tiny", way,
        "-o", tmp_path / "out.npz", "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    image, report = read_image(tmp_path / "out.npz"), json.loads((tmp_path / "r.json").read_text())
    assert report["memory_bytes"] == image.size
    assert report["commands"] == image.command_count
    assert report["command_bytes"] == image.command_count * COMMAND_BYTES
    assert [layer["name"] for layer in report["layers"]] == [layer.name for layer in image.layers]
    assert [layer["commands"] for layer in report["layers"]] == [
        layer.count for layer in image.layers
    ]
    maps = [*report["inputs"], *report["layers"]]
    places = {name: found.place for name, found in image.maps.items()}
    for found in maps:
        assert found["map_address"] == places[found["name"]].address
        assert found["map_bytes"] == places[found["name"]].bytes
        assert found["map_kept"] == image.maps[found["name"]].kept
    assert report["map_bytes_apart"] == sum(found["map_bytes"] for found in maps)
    assert report["map_bytes"] == max(found["map_address"] + found["map_bytes"] for found in maps)
    assert report["largest_need_bytes"] <= report["map_bytes"] <= report["map_bytes_apart"]
    assert (report["map_bytes"] == report["map_bytes_apart"]) == (way == "--keep-all")
    # Between maps and commands there is nothing but weights, aligned.
    gap = image.commands - image.address - report["weight_bytes"]
    rows = image.config.array.rows * len(image.layers)
    assert 0 <= gap < image.config.bus_bytes * rows
    for number in (report["weight_bytes"], report["map_bytes"], report["memory_bytes"]):
        assert f"{number:,}" in outcome.output


def test_the_trained_network_comes_with_the_package(tmp_path):
    outcome = run(
        "compile", "--net", "rfcn-tiny", "--image", "32x48", "--bits", 6, "-o",
        tmp_path / "out.npz", "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["weights"] == read_network(INTEGER[6]).origin
    assert "synthetic" not in outcome.output
    assert (report["levels"], report["image"]) == (16, [32, 48])
    assert report["capacity"] == BOARD_MEMORY["ulx3s"] == 32 << 20


def test_synthetic_weights_are_called_so(files, tmp_path, monkeypatch):
    def synthetic(net, *size, bits):
        assert (net, size, bits) == ("rfcn-resnet50", (32, 48), 3)
        return dataclasses.replace(small_network(), origin="synthetic weights")

    monkeypatch.setattr("rfcn.synthetic.synthetic_network", synthetic)
    outcome = run(
        "compile", "--image", "32x48", "--bits", 3, "--preset", "tiny", "-o",
        tmp_path / "out.npz", "--json", tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.errors
    assert "weights: synthetic weights" in outcome.output
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["weights"], report["capacity"]) == ("synthetic weights", None)
    assert "# weights: synthetic weights" in run("disassemble", tmp_path / "out.npz").output


def test_an_image_that_exceeds_the_memory_is_not_written(files, tmp_path):
    size = read_image(files / "image.npz").size
    command = ("compile", "--network", files / "net.npz", "--preset", "tiny", "-o",
               tmp_path / "out.npz", "--json", tmp_path / "r.json", "--capacity")  # fmt: skip
    sentence = fault(*command, size - 1)
    assert f"{size:,} bytes" in sentence
    assert f"{size - 1:,}" in sentence
    assert not (tmp_path / "out.npz").exists()
    assert json.loads((tmp_path / "r.json").read_text())["memory_bytes"] == size
    assert run(*command, size).status == 0


def listed(outcome) -> dict[str, list[int]]:
    """Numbers of the commands under each heading."""
    assert outcome.status == 0, outcome.errors
    found: dict[str, list[int]] = {}
    for line in outcome.output.splitlines()[2:]:
        if line.startswith("# "):
            found[line[2:].split(": commands")[0]] = []
        else:
            found[[*found][-1]].append(int(line.split()[0]))
    return found


def test_commands_are_listed_under_their_layers(files):
    image = read_image(files / "image.npz")
    everything = listed(run("disassemble", files / "image.npz"))
    expected = {
        layer.name: [*range(layer.first, layer.first + layer.count)] for layer in image.layers
    }
    last = image.layers[-1]
    expected["end"] = [*range(last.first + last.count, image.command_count)]
    assert everything == expected
    names = [layer.name for layer in image.layers]
    for option, kept in (
        (f"{names[1]}:{names[2]}", names[1:3]),
        (names[1], names[1:2]),
        (f":{names[0]}", names[:1]),
        (f"{names[-2]}:", names[-2:]),
    ):
        found = listed(run("disassemble", files / "image.npz", "--layers", option))
        assert found == {name: expected[name] for name in kept}
    count = image.command_count
    for option, wanted in (
        ("3:40", range(3, 41)), ("5", range(5, 6)), (f"{count - 2}:", range(count - 2, count)),
        (":1", range(2)),
    ):  # fmt: skip
        found = listed(run("disassemble", files / "image.npz", "--commands", option))
        assert [number for own in found.values() for number in own] == [*wanted]
        assert all(set(own) <= set(expected[name]) for name, own in found.items())


def test_a_reader_may_stop_early(files):
    command = [sys.executable, "-m", "cli.main", "disassemble", str(files / "image.npz")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compile", "-o", "out.bin"), ("out.bin", ".npz")),
        (("compile", "-o", "out.npz", "--net", "vgg16"), ("vgg16",)),
        (("compile", "-o", "out.npz", "--net", "[/vgg16]"), ("[/vgg16]",)),
        (("compile", "-o", "out.npz", "--net", "rfcn-tiny", "--bits", 5), ("4 and 6", "5")),
        (("compile", "-o", "out.npz", "--network", "none.npz"), ("none.json",)),
        (("compile", "-o", "out.npz", "--capacity", 0), ("--capacity", "0")),
        (("compile", "-o", "out.npz", "--image", "wide"), ("--image", "HEIGHTxWIDTH")),
        (("compile", "-o", "out.npz", "--network", "net.npz", "--preset", "huge"), ("huge",)),
        (("compile", "-o", "out.npz", "--network", "net.npz", "--preset", "tiny-float32"),
         ("float32",)),
        (("compile", "-o", "out.npz", "--network", "net.npz", "--bus", 3), ("bus_bytes", "3")),
        (("disassemble", "none.npz"), ("none.npz", "No such file")),
        (("disassemble", "net.json"), ("net.json", ".npz")),
        (("disassemble", "net.npz"), ("net.npz", "no image")),
        (("disassemble", "half.npz"), ("half.npz", "no image")),
        (("disassemble", "damaged.npz"), ("damaged.npz", "OPCODE", "0xee")),
        (("disassemble", "image.npz", "--layers", "conv9"), ("conv9", "conv1")),
        (("disassemble", "image.npz", "--layers", "conv1:conv9"), ("conv9",)),
        (("disassemble", "image.npz", "--layers", "pool1:conv1"), ("pool1:conv1", "behind")),
        (("disassemble", "image.npz", "--commands", "x"), ("--commands", "'x'")),
        (("disassemble", "image.npz", "--commands", ""), ("--commands", "''")),
        (("disassemble", "image.npz", "--commands", "0:99999"), ("99999", "from 0 to")),
        (("disassemble", "image.npz", "--commands", "9:3"), ("9:3", "behind")),
        (("disassemble", "image.npz", "--commands", "3", "--layers", "conv1"),
         ("--commands", "--layers")),
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence(files, arguments, words, monkeypatch):
    monkeypatch.chdir(files)
    sentence = fault(*arguments)
    for word in words:
        assert word in sentence
    assert not list(files.glob("out*"))
