import dataclasses
import json

import numpy as np
import pytest

from compiler.system.command import decode
from compiler.system.disassembler import disassemble
from compiler.system.image import ImageError, SystemImage, read_image, write_image
from compiler.system.lower import lower_network
from golden.activations import ActivationError
from golden.network import INPUT
from params import preset
from params.commands import Opcode
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


def test_every_command_has_a_line_with_its_node(image):
    lines = list(disassemble(image))
    assert len(lines) == image.command_count
    commands = decode(image.encoded_commands)
    for number, (text, command) in enumerate(zip(lines, commands, strict=True)):
        words = text.split()
        assert words[:2] == [str(number), command.opcode.name]
        layer = image.layer_of(number)
        assert text.endswith(f" ; {layer}") == (layer is not None)
    assert lines[-1].split()[1] == "END"
    text = next(line for line in lines if "STORE_ROWS" in line)
    assert "rows=0b11 passes=" in text
    assert "address=0x" in text
    assert [command.opcode for command in commands].count(Opcode.END) == 1


def test_maps_and_pixels_that_do_not_exist_are_refused(image):
    with pytest.raises(ImageError, match="small has no map 'pool9'"):
        image.read_map(image.memory(), "pool9")
    with pytest.raises(ActivationError, match=r"data have shape \(1, 2, 3\)"):
        image.memory({INPUT: np.zeros((1, 2, 3), dtype=np.int64)})
