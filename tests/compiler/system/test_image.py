import dataclasses
import json
from contextlib import suppress

import numpy as np
import pytest

from compiler.system.command import decode
from compiler.system.disassembler import disassemble
from compiler.system.image import ImageError, SystemImage, read_image, write_image
from compiler.system.lower import lower_network
from golden.activations import ActivationError
from golden.network import INPUT
from params import preset
from params.system import SystemConfig
from tests.golden.networks import small_network

CONFIG = SystemConfig(array=preset("tiny"))


@pytest.fixture(scope="module")
def image() -> SystemImage:
    return lower_network(small_network(), CONFIG, keep=["pool1"])


def test_a_file_gives_the_image_back(image, tmp_path):
    path = tmp_path / "a.npz"
    write_image(image, path)
    found = read_image(path)
    for field in dataclasses.fields(SystemImage):
        if field.name != "contents":
            assert getattr(found, field.name) == getattr(image, field.name), field.name
    np.testing.assert_array_equal(found.contents, image.contents)
    assert list(tmp_path.iterdir()) == [path]


def rewritten(path, **changes):
    """The file again, with other values in its record."""
    with np.load(path) as loaded:
        contents, record = loaded["contents"], json.loads(loaded["record"].tobytes())
    text = json.dumps(record | changes).encode()
    np.savez(path, contents=contents, record=np.frombuffer(text, np.uint8))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "holds no image of a system's memory"),
        ({"version": 9}, "has version 9 of the format"),
        ({"size": 10}, "its contents do not fit its memory"),
        ({"size": "big"}, "its sizes and addresses must be integers"),
        ({"command_count": 1 << 20}, "its commands lie outside of its contents"),
        ({"outputs": ["other"]}, "an input or output has no place"),
        ({"maps": {"data": {}}}, "a field is missing or of the wrong kind"),
        ({"config": {}}, "a field is missing or of the wrong kind"),
        ({"net": 3}, "its names must be text"),
        ({"layers": []}, "its layers and its commands do not go together"),
        ({"layers": [{"name": "out", "first": 0, "count": 9999}]}, "do not go together"),
        ({"layers": [{"name": "out", "first": 1, "count": 1}]}, "do not follow one another"),
        ({"layers": [{"name": "out", "first": 0, "count": -1}]}, "do not follow one another"),
        ({"layers": [{"name": "other", "first": 0, "count": 1}]}, "do not follow one another"),
    ],
)
def test_files_that_were_changed_are_refused(image, tmp_path, changes, message):
    path = tmp_path / "a.npz"
    write_image(image, path)
    rewritten(path, **changes)
    with pytest.raises(ImageError, match=message):
        read_image(path)


def test_other_files_are_refused(image, tmp_path):
    with pytest.raises(ImageError, match=r"must end in \.npz"):
        write_image(image, tmp_path / "a.bin")
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        read_image(tmp_path / "none.npz")
    path = tmp_path / "a.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(ImageError, match="holds no image"):
        read_image(path)
    write_image(image, path)
    packed = path.read_bytes()
    for place in range(0, len(packed), 37):
        path.write_bytes(packed[:place] + bytes([packed[place] ^ 0x55]) + packed[place + 1 :])
        with suppress(ImageError):
            read_image(path)


@pytest.mark.parametrize("numbers", [None, range(3, 60), range(7, 8)])
def test_every_command_has_a_line_under_its_node(image, numbers):
    commands = decode(image.encoded_commands)
    expected = []
    heading = None
    for number in range(len(commands)) if numbers is None else numbers:
        layer = image.layer_of(number)
        own = [n for n in range(len(commands)) if image.layer_of(n) == layer]
        if heading != (heading := f"# {layer or 'end'}: commands {own[0]} to {own[-1]}"):
            expected.append(heading.split())
        expected.append([str(number), commands[number].opcode.name])
    lines = list(disassemble(image, numbers))
    found = [text.split() if text.startswith("#") else text.split()[:2] for text in lines]
    assert found == expected


def test_fields_are_readable(image):
    lines = list(disassemble(image))
    assert lines[-1].split()[1] == "END"
    text = next(line for line in lines if "STORE_ROWS" in line)
    assert "rows=0b11 passes=" in text
    assert "address=0x" in text
    assert [line.split()[1] for line in lines].count("END") == 1


def test_maps_and_pixels_that_do_not_exist_are_refused(image):
    with pytest.raises(ImageError, match="small has no map 'pool9'"):
        image.read_map(image.memory(), "pool9")
    with pytest.raises(ActivationError, match=r"data have shape \(1, 2, 3\)"):
        image.memory({INPUT: np.zeros((1, 2, 3), dtype=np.int64)})
