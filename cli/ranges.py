"""Ranges in options, FIRST:LAST, both counted."""

import re
from collections.abc import Sequence

from cli.console import UsageError


def layer_range(text: str, names: Sequence[str], option: str) -> range:
    """The numbers of the layers FIRST:LAST, or of one; an end left out is that of `names`.

    Raises
    ------
    UsageError : no such layers, or in another order.
    """
    first, colon, last = text.partition(":")
    ends = (first or names[0], (last or names[-1]) if colon else first)
    for name in ends:
        if name not in names:
            raise UsageError(
                f"{option} names {name!r}, but the layers go from {names[0]} to {names[-1]}"
            )
    return _ordered(text, names.index(ends[0]), names.index(ends[1]), option)


def number_range(text: str, count: int, option: str) -> range:
    """The numbers FIRST:LAST, or one, of 0 to `count` - 1; an end left out is that of all.

    Raises
    ------
    UsageError : something else, or a number out of range.
    """
    match = re.fullmatch(r"([0-9]{0,18})(:?)([0-9]{0,18})", text)
    if not match or not text:
        raise UsageError(f"{option} is {text!r}, but must be numbers FIRST:LAST, such as 10:19")
    first, colon, last = match.groups()
    ends = (int(first or 0), int(last or count - 1) if colon else int(first))
    for number in ends:
        if number >= count:
            raise UsageError(f"{option} names {number}, but the numbers go from 0 to {count - 1}")
    return _ordered(text, *ends, option)


def _ordered(text: str, first: int, last: int, option: str) -> range:
    if first > last:
        raise UsageError(f"{option} is {text!r}, but its first comes behind its last")
    return range(first, last + 1)
