import numpy as np
import pytest

from compiler.system.map_place import MapPlace, from_raw, pitch_of, to_raw
from golden.shape import ShapeError


def place(**changes) -> MapPlace:
    fields = {"address": 8, "channels": 3, "height": 4, "width": 5, "pitch": pitch_of(5, 4)}
    return MapPlace(**fields | changes)


def test_every_byte_is_where_it_belongs():
    memory = bytearray(200)
    raw = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    place().write(memory, raw)
    for c, y, x in np.ndindex(3, 4, 5):
        assert memory[8 + (y * 3 + c) * 8 + x] == raw[c, y, x]
    np.testing.assert_array_equal(place().read(memory), raw)
    assert (place().bytes, place().end) == (96, 104)


def test_padding_and_what_lies_around_are_left_alone():
    memory = bytearray(b"\xff" * 200)
    place().write(memory, np.zeros((3, 4, 5), dtype=np.uint8))
    assert memory.count(0) == 60
    assert memory[:8] == b"\xff" * 8


def test_offsets_are_those_of_channel_0():
    offsets = place().offsets(np.array([[0, 4], [5, -1]]))
    np.testing.assert_array_equal(offsets, [[0, 4], [24, -1]])


@pytest.mark.parametrize(("width", "pitch"), [(1, 16), (16, 16), (17, 32)])
def test_rows_are_padded_to_whole_words_of_the_bus(width, pitch):
    assert pitch_of(width, 16) == pitch


def test_raw_activations_keep_their_sign():
    values = np.array([-8, -1, 0, 7])
    raw = to_raw(values, 4)
    assert raw.tolist() == [8, 15, 0, 7]
    np.testing.assert_array_equal(from_raw(raw, 4, signed=True), values)
    np.testing.assert_array_equal(from_raw(raw, 4, signed=False), [8, 15, 0, 7])


def test_a_map_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"shape \(3, 4, 6\), but its place takes \(3, 4, 5\)"):
        place().write(bytearray(200), np.zeros((3, 4, 6), dtype=np.uint8))
