"""Frames of the link, packed and taken apart; `params.link` says what is in them."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from params.link import ANSWER, ANSWER_HEAD, CHECK, ESCAPE, ESCAPED, FLAG, REQUEST, Kind

LONGEST = 1 << 16
"""Bytes between flags that are kept; no frame is longer."""

_ESCAPES = {byte: bytes([ESCAPE, byte ^ ESCAPED]) for byte in (FLAG, ESCAPE)}


@dataclass(frozen=True)
class Answer:
    """What a frame from a bridge says; `kind` and `status` as they came, known or not."""

    kind: int
    sequence: int
    payload: bytes
    status: int


def pack_request(kind: Kind, sequence: int, address: int, payload: bytes = b"") -> bytes:
    """A request as it goes over the line, with its flags."""
    return pack_frame(REQUEST.pack(kind, sequence, address) + payload)


def pack_frame(body: bytes) -> bytes:
    """`body` and its CRC, stuffed, between flags."""
    body += CHECK.pack(zlib.crc32(body))
    # The escape first: those that stand for flags stay.
    stuffed = body.replace(bytes([ESCAPE]), _ESCAPES[ESCAPE]).replace(bytes([FLAG]), _ESCAPES[FLAG])
    return bytes([FLAG]) + stuffed + bytes([FLAG])


def unpack_frame(stuffed: bytes) -> bytes | None:
    """The body of a frame from what stood between its flags; None if it is not whole."""
    if stuffed.endswith(bytes([ESCAPE])):
        return None
    first, *others = stuffed.split(bytes([ESCAPE]))
    if not all(others):  # An escape behind an escape.
        return None
    body = first + b"".join(bytes([part[0] ^ ESCAPED]) + part[1:] for part in others)
    checked, check = body[: -CHECK.size], body[-CHECK.size :]
    if len(body) < CHECK.size or CHECK.pack(zlib.crc32(checked)) != check:
        return None
    return checked


def unpack_answer(stuffed: bytes) -> Answer | None:
    """The answer between two flags; None if it is not whole or no answer."""
    body = unpack_frame(stuffed)
    if body is None or len(body) <= ANSWER_HEAD.size or not body[0] & ANSWER:
        return None
    kind, sequence = ANSWER_HEAD.unpack_from(body)
    return Answer(kind ^ ANSWER, sequence, body[ANSWER_HEAD.size : -1], body[-1])


class FrameReader:
    """Finds frames in bytes that come in pieces.

    `rejected` counts stretches between flags that were no whole answer.
    """

    def __init__(self):
        self._kept = b""
        self.rejected = 0

    def feed(self, arrived: bytes) -> Iterator[Answer]:
        """The answers that are whole with the bytes that have arrived."""
        *stretches, rest = (self._kept + arrived).split(bytes([FLAG]))
        # What is too long is no frame, and stays none until a flag comes.
        self._kept = rest[: LONGEST + 1]
        for stretch in stretches:
            if not stretch:
                continue
            answer = unpack_answer(stretch) if len(stretch) <= LONGEST else None
            if answer is None:
                self.rejected += 1
            else:
                yield answer

    def forget(self) -> None:
        """Drop a frame that has come in part."""
        self._kept = b""
