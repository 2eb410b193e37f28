"""Cuts against a loop over the bytes of a piece."""

import random

import pytest
from amaranth.lib.data import Const

from hw.system.piece_cutter import PieceCutter, cut
from tests.hw.system.agents import Sink, Source, simulate
from tests.hw.system.random_pieces import random_word, system


def cuts(piece, config):
    """Fields of the cuts of `piece`, but those that do not matter."""
    places = piece.places(config.array.lanes)
    beats = [place // config.bus_bytes for _, place in places]
    span = {"beat": beats[0], "beats": len(dict.fromkeys(beats))} if beats else None
    for beat in dict.fromkeys(beats):
        lane, place = next(pair for pair in places if pair[1] // config.bus_bytes == beat)
        yield {
            "lane": lane,
            "count": beats.count(beat),
            "byte": place % config.bus_bytes,
            "rotation": (place - (lane << piece.double)) % config.bus_bytes,
            "double": piece.double,
            "last": int(piece.last and beat == beats[-1]),
            "first": int(beat == beats[0]),
            **({"span": span} if beat == beats[0] else {}),
        }
    if not beats:
        yield {"count": 0, "last": piece.last, "first": 0}


@pytest.mark.parametrize("lanes", [5, 20])
@pytest.mark.parametrize("bus_bytes", [2, 8, 128])
@pytest.mark.parametrize("stalls", [0.0, 0.5])
def test_every_beat_of_a_piece_has_a_cut(lanes, bus_bytes, stalls):
    rng = random.Random(f"{lanes} {bus_bytes} {stalls}")
    config = system(lanes, bus_bytes)
    pieces = [piece for _ in range(30) for piece in random_word(rng, lanes)]
    expected = [fields for piece in pieces for fields in cuts(piece, config)]
    cutter = PieceCutter(config)
    packed = [piece.packed(config) for piece in pieces]
    source = Source(cutter.i, packed, rng=rng, stalls=stalls)
    sink = Sink(cutter.o, rng=rng, stalls=stalls)
    simulate(cutter, [source, sink], lambda: len(sink.words) == len(expected))
    for word, fields in zip(sink.words, expected, strict=True):
        got = Const(cut(config), word)
        for name, value in fields.items():
            if name == "span":
                assert {"beat": got.span.beat, "beats": got.span.beats} == value
            else:
                assert getattr(got, name) == value, name
    if not stalls:
        assert sink.cycles == list(range(3, 3 + len(expected)))
