"""The parts of a network's files: records of the .json, read with checks, and packed weights."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golden.errors import UserError
from golden.weights import LARGEST_EXPONENT


class NetworkFileError(UserError):
    """Files that do not hold an integer network; the message says which and what to do."""


ARRAYS = {
    "weights": "int8",
    "exponent": "int16",
    "multiplier": "uint16",
    "bias": "int64",
    "shift": "uint8",
}
"""Arrays of a convolution, called NODE.KEY, with their types."""

RESIDUAL_ARRAYS = {"residual_multiplier": "uint16"}
"""Arrays of a convolution that a residual is added to, besides those."""

PACKED = np.array(
    [
        0 if not code else (1 << abs(code) - 1) * (1 if code > 0 else -1)
        for code in (*range(LARGEST_EXPONENT + 2), *range(-LARGEST_EXPONENT - 1, 0))
    ],
    np.int64,
)
"""What a packed weight stands for, the negative ones from the end."""


def pack_weights(terms: np.ndarray) -> np.ndarray:
    """Weights in a byte each: 0, or e + 1 with the sign for plus or minus 2^e.

    Parameters
    ----------
    terms : int64, as in `QuantizedConv.terms`.

    Returns
    -------
    int8 of the same shape.
    """
    # frexp gives 2^e = 1/2 * 2^(e + 1), and 0 for 0.
    exponents = np.frexp(np.abs(terms).astype(np.float64))[1]
    return (np.sign(terms) * exponents).astype(np.int8)


def unpack_weights(packed: np.ndarray, name: str) -> np.ndarray:
    """The weights that `pack_weights` has packed: int64.

    Raises
    ------
    NetworkFileError : a byte that stands for no weight.
    """
    largest = LARGEST_EXPONENT + 1
    if packed.size and not -largest <= int(packed.min()) <= int(packed.max()) <= largest:
        raise NetworkFileError(
            f"{name} spans {int(packed.min())}..{int(packed.max())}, but packed weights lie in "
            f"{-largest}..{largest}"
        )
    return PACKED[packed]


class Record:
    """An object of a .json file, whose fields are read by kind.

    Parameters
    ----------
    fields : the object.
    where : what messages call it.
    keys : the fields it must have, and no others; not checked when None.

    Raises
    ------
    NetworkFileError : by every method, for a field that is missing, unknown or of another kind.
    """

    def __init__(self, fields: Any, where: str, keys: Sequence[str] | None = None) -> None:
        if not isinstance(fields, dict):
            raise NetworkFileError(f"{where} is no JSON object")
        self._fields: dict[str, Any] = fields
        self.where = where
        if keys is not None:
            self.expect(keys)

    def expect(self, keys: Sequence[str]) -> None:
        """See that the fields are `keys`, and no others."""
        for key in (*keys, *self._fields):
            if key not in self._fields:
                raise NetworkFileError(f"{self.where} has no field {key!r}")
            if key not in keys:
                raise NetworkFileError(f"{self.where} has a field {key!r} that is not known")

    def text(self, key: str) -> str:
        """A string."""
        return self._field(key, str, "a string")

    def optional_text(self, key: str) -> str | None:
        """A string or null."""
        return None if key in self._fields and self._fields[key] is None else self.text(key)

    def integer(self, key: str) -> int:
        """An integer of at most 64 bits."""
        value = self._field(key, int, "an integer")
        if isinstance(value, bool) or value.bit_length() > 63:
            raise NetworkFileError(f"{key} of {self.where} is {value!r}, but must be an integer")
        return value

    def boolean(self, key: str) -> bool:
        """true or false."""
        return self._field(key, bool, "true or false")

    def real(self, key: str) -> float:
        """A finite number."""
        value = self._field(key, (int, float), "a number")
        if isinstance(value, bool) or not math.isfinite(value):
            raise NetworkFileError(f"{key} of {self.where} is {value!r}, but must be a number")
        return float(value)

    def pair(self, key: str) -> tuple[int, int]:
        """Two integers (y, x)."""
        value = self._field(key, list, "a pair of integers")
        if len(value) != 2 or any(type(part) is not int for part in value):
            raise NetworkFileError(
                f"{key} of {self.where} is {value!r}, but must be a pair of integers"
            )
        return value[0], value[1]

    def mapping(self, key: str) -> Mapping[str, Any]:
        """An object of anything."""
        return self._field(key, dict, "an object")

    def record(self, key: str, keys: Sequence[str]) -> "Record":
        """An object with the fields `keys`."""
        return Record(self._field(key, dict, "an object"), f"{key} of {self.where}", keys)

    def records(self, key: str) -> "list[Record]":
        """A list of objects, which messages call by their names."""
        found = []
        for number, fields in enumerate(self._field(key, list, "a list")):
            name = fields.get("name") if isinstance(fields, dict) else None
            called = name if isinstance(name, str) else f"number {number}"
            found.append(Record(fields, f"the node {called} of {self.where}"))
        return found

    def _field(self, key: str, kind: Any, described: str) -> Any:
        if key not in self._fields:
            raise NetworkFileError(f"{self.where} has no field {key!r}")
        value = self._fields[key]
        if not isinstance(value, kind):
            raise NetworkFileError(
                f"{key} of {self.where} is {value!r:.60}, but must be {described}"
            )
        return value
