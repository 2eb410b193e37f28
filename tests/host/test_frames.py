"""Frames against a loop over their bits and bytes."""

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.frames import (
    LONGEST,
    Answer,
    FrameReader,
    pack_frame,
    pack_request,
    unpack_answer,
    unpack_frame,
)
from params.link import Kind, Status


def crc32(data):
    """IEEE 802.3, 3.2.9, bit by bit, least first."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB8_8320 if crc & 1 else 0)
    return crc ^ 0xFFFF_FFFF


def naive_frame(body):
    out = [0x7E]
    for byte in body + crc32(body).to_bytes(4, "little"):
        out += [0x7D, byte ^ 0x20] if byte in (0x7D, 0x7E) else [byte]
    return bytes([*out, 0x7E])


def answer_frame(kind, sequence, payload, status):
    head = bytes([kind | 0x80]) + sequence.to_bytes(2, "little")
    return naive_frame(head + payload + bytes([status]))


bodies = st.lists(
    st.one_of(st.sampled_from([0x7D, 0x7E, 0x5D, 0x5E, 0, 0x20]), st.integers(0, 255)), max_size=40
).map(bytes)


@given(bodies)
def test_frames_are_those_of_the_loop(body):
    assert pack_frame(body) == naive_frame(body)
    assert unpack_frame(naive_frame(body)[1:-1]) == body


def test_a_request_is_as_documented():
    frame = pack_request(Kind.READ_MEMORY, 0x7E01, 0x1234_5678, b"\x10\x00")
    assert frame[:-1].startswith(bytes.fromhex("7e 02 01 7d5e 78563412 1000"))
    assert zlib.crc32(bytes.fromhex("02 017e 78563412 1000")) == crc32(
        bytes.fromhex("02 017e 78563412 1000")
    )


@pytest.mark.parametrize("stuffed", [b"", b"\x7d", b"abc", b"ab\x7d", b"ab\x7d\x7dcdef", b"\0" * 9])
def test_what_is_no_frame(stuffed):
    assert unpack_frame(stuffed) is None


def test_what_is_no_answer():
    assert unpack_answer(naive_frame(bytes([2, 0, 0, 0]))[1:-1]) is None
    assert unpack_answer(naive_frame(bytes([0x82, 0, 0]))[1:-1]) is None
    got = unpack_answer(naive_frame(bytes([0x82, 1, 2, 9, 8, 3]))[1:-1])
    assert got == Answer(Kind.READ_MEMORY, 0x0201, b"\x09\x08", Status.BAD_SIZE)


def test_answers_are_found_in_pieces_and_garbage():
    rng = random.Random(1)
    reader = FrameReader()
    wanted, line = [], rng.randbytes(30)
    for k in range(200):
        payload = rng.randbytes(rng.randint(0, 30))
        wanted.append(Answer(2, k, payload, 0))
        line += answer_frame(2, k, payload, 0)
        if k % 3 == 0:
            line += rng.randbytes(rng.randint(1, 20))
    got = []
    while line:
        size = rng.randint(1, 50)
        got += reader.feed(line[:size])
        line = line[size:]
    assert got == wanted
    assert 60 < reader.rejected < 90


def test_endless_garbage_is_not_kept():
    reader = FrameReader()
    for _ in range(5):
        assert not list(reader.feed(b"\x55" * LONGEST))
    frame = answer_frame(1, 2, b"", 0)
    assert list(reader.feed(frame)) == [Answer(1, 2, b"", 0)]
