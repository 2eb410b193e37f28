"""Vectorized packing of NumPy fields into the words of a layout, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data

from golden.errors import UserError


class PackingError(UserError):
    """Fields do not go with the layout they are meant for; the message names the field."""


def word_bytes(shape: Any) -> int:
    """Bytes that hold one word of `shape`."""
    return -(-Shape.cast(shape).width // 8)


def pack(layout: data.StructLayout | data.ArrayLayout, fields: Any, count: int) -> np.ndarray:
    """Pack `count` words.

    Parameters
    ----------
    layout : a struct or array layout of fields no wider than 64 bits, or of nested layouts.
    fields : integers of any dtype. For a struct layout, a mapping with the value of each field;
        for a field, an array (count,); for an array layout, an array (count, length), or for one
        of structs, a mapping to such arrays. Further nesting adds further axes. A scalar stands
        for all words and elements.
    count : number of words.

    Returns
    -------
    uint8 array (count, ceil(width / 8)), least significant byte first.

    Raises
    ------
    PackingError : a value is no integer or outside its field's range, an array has another length,
        or a field is missing or unknown.
    """
    bits = np.zeros((count, layout.size), dtype=np.uint8)
    _fill(bits, layout, fields, "")
    return np.packbits(bits, axis=1, bitorder="little")


def unpack(layout: data.StructLayout | data.ArrayLayout, words: np.ndarray) -> Any:
    """The fields of packed `words` as `pack` takes them, int64 or uint64: the inverse of `pack`.

    Raises
    ------
    PackingError : `words` is no uint8 array (count, ceil(width / 8)).
    """
    expected = word_bytes(layout)
    if words.dtype != np.uint8 or words.ndim != 2 or words.shape[1] != expected:
        raise PackingError(
            f"words are {words.dtype} of shape {words.shape}, but must be uint8 of shape "
            f"(count, {expected})"
        )
    bits = np.unpackbits(words, axis=1, bitorder="little", count=layout.size)
    return _read(bits, layout)


def _fill(bits: np.ndarray, layout: Any, value: Any, name: str) -> None:
    if isinstance(layout, data.ArrayLayout):
        members = [
            (field, _element(value, index, len(bits), layout.length, name), f"{name}[{index}]")
            for index, field in layout
        ]
    else:
        _check_names(layout, value, name)
        members = [(field, value[key], f"{name}.{key}" if name else key) for key, field in layout]
    for field, item, inner in members:
        part = bits[:, field.offset : field.offset + field.width]
        if isinstance(field.shape, data.Layout):
            _fill(part, field.shape, item, inner)
        else:
            _fill_integer(part, Shape.cast(field.shape), item, inner)


def _check_names(layout: data.StructLayout, value: Any, name: str) -> None:
    if not isinstance(value, Mapping):
        raise PackingError(f"{name or 'the word'} takes a mapping of its fields, not {value!r}")
    for problem, keys in (
        ("is missing", layout.members.keys() - value.keys()),
        ("is no field of the layout", value.keys() - layout.members.keys()),
    ):
        if keys:
            key = min(keys)
            raise PackingError(f"{name}.{key} {problem}" if name else f"{key} {problem}")


def _element(value: Any, index: int, count: int, length: int, name: str) -> Any:
    """Element `index` of an array layout's `value`; an array of structs is a struct of arrays."""
    if isinstance(value, Mapping):
        return {
            key: _element(item, index, count, length, f"{name}.{key}" if name else key)
            for key, item in value.items()
        }
    array = np.asarray(value)
    if array.ndim == 0:
        return array
    if array.ndim < 2 or array.shape[:2] != (count, length):
        raise PackingError(
            f"{name or 'the word'} has shape {array.shape}, but must have {(count, length)}"
        )
    return array[:, index]


def _fill_integer(bits: np.ndarray, shape: Shape, value: Any, name: str) -> None:
    values = np.asarray(value)
    if values.shape not in ((), (len(bits),)):
        raise PackingError(f"{name} has shape {values.shape}, but must have {(len(bits),)}")
    if values.dtype.kind not in "iubO" and values.size:
        raise PackingError(f"{name} is {values.dtype}, but must be integers")
    low, high = (
        (-(1 << shape.width >> 1), (1 << shape.width >> 1) - 1)
        if shape.signed
        else (0, (1 << shape.width) - 1)
    )
    if values.size and (int(values.min()) < low or int(values.max()) > high):
        bad = next(int(v) for v in values.flat if not low <= int(v) <= high)
        raise PackingError(f"{name} is {bad}, but its field holds {low}..{high}")
    if shape.width:
        # A 64-bit unsigned value does not fit int64, a negative one does not fit uint64.
        octets = values.astype("<i8" if shape.signed else "<u8").reshape(-1, 1).view(np.uint8)
        bits[:] = np.unpackbits(octets, axis=1, bitorder="little", count=shape.width)


def _read(bits: np.ndarray, layout: Any) -> Any:
    fields = {key: _read_field(bits, field) for key, field in layout}
    return _stack(list(fields.values())) if isinstance(layout, data.ArrayLayout) else fields


def _stack(elements: list) -> Any:
    """Elements of an array layout along axis 1; structs become one struct of arrays."""
    if isinstance(elements[0], Mapping):
        return {key: _stack([element[key] for element in elements]) for key in elements[0]}
    return np.stack(elements, axis=1)


def _read_field(bits: np.ndarray, field: data.Field) -> Any:
    part = bits[:, field.offset : field.offset + field.width]
    if isinstance(field.shape, data.Layout):
        return _read(part, field.shape)
    shape = Shape.cast(field.shape)
    if not shape.width:
        return np.zeros(len(bits), dtype=np.int64)
    octets = np.zeros((len(bits), 64), dtype=np.uint8)
    octets[:, : shape.width] = part
    if shape.signed:
        octets[:, shape.width :] = part[:, -1:]
    words = np.packbits(octets, axis=1, bitorder="little")
    return words.view("<u8" if shape.width == 64 and not shape.signed else "<i8")[:, 0]
