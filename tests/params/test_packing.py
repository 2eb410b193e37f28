"""Packing against bits set one by one, for every stream layout of every preset."""

import inspect
import random

import numpy as np
import pytest
from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data
from hypothesis import given, settings
from hypothesis import strategies as st

from params import PRESETS, layouts
from params.packing import PackingError, pack, unpack, word_bytes

LAYOUTS = [
    pytest.param(layout, id=f"{config.name}-{name}")
    for config in (*PRESETS.values(), PRESETS["tiny"].with_levels(1))
    for name, function in inspect.getmembers(layouts, inspect.isfunction)
    if function.__module__ == layouts.__name__
    and isinstance(layout := function(config), data.Layout)
]


def limits(shape: Shape) -> tuple[int, int]:
    """Smallest and largest integer of `shape`."""
    if shape.signed:
        return -(2 ** (shape.width - 1)), 2 ** (shape.width - 1) - 1
    return 0, 2**shape.width - 1


def leaves(layout: data.Layout, path=(), offset=0):
    """Every integer of a word: path of keys and indices, offset in bits, shape."""
    for key, field in layout:
        if isinstance(field.shape, data.Layout):
            yield from leaves(field.shape, (*path, key), offset + field.offset)
        else:
            yield (*path, key), offset + field.offset, Shape.cast(field.shape)


def gather(layout: data.Layout, count: int, value):
    """The nested fields that `pack` takes, `value(path, word)` giving each integer."""

    def fields(layout, path, axes):
        if isinstance(layout, data.ArrayLayout):
            return element(layout.elem_shape, path, (*axes, layout.length))
        return {key: element(field.shape, (*path, key), axes) for key, field in layout}

    def element(shape, path, axes):
        if isinstance(shape, data.Layout):
            return fields(shape, path, axes)
        wide = Shape.cast(shape) == unsigned(64)
        array = np.zeros((count, *axes), dtype=np.uint64 if wide else np.int64)
        for index in np.ndindex(array.shape):
            array[index] = value(path, index)
        return array

    return fields(layout, (), ())


def lookup(fields, path, word):
    """The integer at `path` of nested `fields`, in `word`."""
    indices = [key for key in path if isinstance(key, int)]
    for key in path:
        if isinstance(key, str):
            fields = fields[key]
    return int(fields[(word, *indices)])


def random_fields(layout: data.Layout, count: int, rng: random.Random):
    """Fields drawn from their whole range, the limits often; drawn per path of names."""
    shapes = {tuple(k for k in path if isinstance(k, str)): s for path, _, s in leaves(layout)}

    def draw(path, index):
        low, high = limits(shapes[path]) if shapes[path].width else (0, 0)
        return rng.choice((low, high, rng.randint(low, high)))

    return gather(layout, count, draw)


def equal(left, right) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    return left.dtype == right.dtype and np.array_equal(left, right)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 3))
def test_round_trip_and_bit_positions(layout, seed, count):
    fields = random_fields(layout, count, random.Random(seed))
    words = pack(layout, fields, count)
    assert words.shape == (count, word_bytes(layout))
    assert words.dtype == np.uint8
    for index in range(count):
        expected = 0
        for path, offset, shape in leaves(layout):
            value = lookup(fields, path, index)
            for bit in range(shape.width):
                expected |= (value >> bit & 1) << offset + bit
        assert int.from_bytes(words[index].tobytes(), "little") == expected
    assert equal(unpack(layout, words), fields)


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=20)
@given(data=st.data())
def test_out_of_range_is_refused_by_name(layout, data):
    path, _, shape = data.draw(st.sampled_from(list(leaves(layout))))
    low, high = limits(shape) if shape.width else (0, 0)
    bad = data.draw(st.sampled_from([low - 1, high + 1]))
    fields = gather(layout, 2, lambda *_: 0)
    names = [key for key in path if isinstance(key, str)]
    holder, array = None, fields
    for key in names:
        holder, array = array, array[key]
    array = array.astype(object)
    array[(1, *(key for key in path if isinstance(key, int)))] = bad
    if holder is None:
        fields = array
    else:
        holder[names[-1]] = array
    full_name = "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in path).lstrip(".")
    with pytest.raises(PackingError) as caught:
        pack(layout, fields, 2)
    assert str(caught.value) == f"{full_name} is {bad}, but its field holds {low}..{high}"


def test_scalars_stand_for_all_words_and_elements():
    layout = layouts.codes(PRESETS["tiny"])
    words = pack(layout, {"sign": 1, "exponent": np.full((4, 8), 2)}, 4)
    assert equal(
        unpack(layout, words),
        {"sign": np.ones((4, 8), dtype=np.int64), "exponent": np.full((4, 8), 2)},
    )


def test_nested_arrays():
    layout = data.ArrayLayout(data.ArrayLayout(signed(3), 2), 3)
    fields = np.arange(-4, 2).reshape(1, 3, 2)
    assert equal(unpack(layout, pack(layout, fields, 1)), fields)


PAIR = data.StructLayout({"low": 4, "items": data.ArrayLayout(4, 2)})
ITEMS = np.zeros((3, 2), dtype=int)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"low": 0}, "items is missing"),
        ({"low": 0, "items": ITEMS, "lows": 0}, "lows is no field of the layout"),
        ({"low": [0, 0], "items": ITEMS}, "low has shape (2,), but must have (3,)"),
        ({"low": 0, "items": ITEMS[:, :1]}, "items has shape (3, 1), but must have (3, 2)"),
        ({"low": 0, "items": ITEMS[0]}, "items has shape (2,), but must have (3, 2)"),
        ({"low": 0.5, "items": ITEMS}, "low is float64, but must be integers"),
        ({"low": 0, "items": ITEMS[..., None]}, "items[0] has shape (3, 1), but must have (3,)"),
        (ITEMS, "the word takes a mapping of its fields"),
    ],
)
def test_misfits_are_told(fields, message):
    with pytest.raises(PackingError) as caught:
        pack(PAIR, fields, 3)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("words", [np.zeros((3, 1), np.uint8), np.zeros((3, 2)), np.zeros(2, "u1")])
def test_unpack_refuses_other_words(words):
    with pytest.raises(PackingError, match="must be uint8 of shape"):
        unpack(PAIR, words)
