"""Frames with something wrong in them."""

import random

from host.frames import unpack_frame
from params.link import FLAG

_FLAG = bytes([FLAG])


def _bits(frame: bytearray, draw: random.Random) -> None:
    for _ in range(draw.choice((1, 1, 2, 3, draw.randint(4, 40)))):
        frame[draw.randrange(len(frame))] ^= 1 << draw.randrange(8)


def _byte(frame: bytearray, draw: random.Random) -> None:
    frame[draw.randrange(len(frame))] = draw.choice((0x7E, 0x7D, draw.randrange(256)))


def _dropped(frame: bytearray, draw: random.Random) -> None:
    first = draw.randrange(len(frame))
    del frame[first : first + draw.choice((1, 1, 2, draw.randint(1, 20)))]


def _duplicated(frame: bytearray, draw: random.Random) -> None:
    first = draw.randrange(len(frame))
    frame[first:first] = frame[first : first + draw.choice((1, 1, 2, draw.randint(1, 20)))]


def _inserted(frame: bytearray, draw: random.Random) -> None:
    first = draw.randrange(len(frame))
    frame[first:first] = draw.randbytes(draw.choice((1, 1, 2, draw.randint(1, 20))))


def _cut(frame: bytearray, draw: random.Random) -> None:
    del frame[draw.randrange(1, len(frame)) :]


def _swapped(frame: bytearray, draw: random.Random) -> None:
    first, second = draw.randrange(len(frame)), draw.randrange(len(frame))
    frame[first], frame[second] = frame[second], frame[first]


MUTATIONS = {
    "bits": _bits, "byte": _byte, "dropped": _dropped, "duplicated": _duplicated,
    "inserted": _inserted, "cut": _cut, "swapped": _swapped,
}  # fmt: skip
"""By name, what changes a frame in place."""


def mutate(frame: bytes, draw: random.Random) -> tuple[str, bytes]:
    """A mutation's name and what it makes of a frame: something that holds no whole frame."""
    while True:
        name = draw.choice(list(MUTATIONS))
        mutant = bytearray(frame)
        MUTATIONS[name](mutant, draw)
        # A missing or doubled flag leaves a frame as it was.
        stretches = bytes(mutant).split(_FLAG)
        if not any(unpack_frame(stretch) is not None for stretch in stretches):
            return name, bytes(mutant)
