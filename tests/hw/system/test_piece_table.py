"""The table of pieces against a walk through a list."""

import random

import pytest

from hw.system import ports
from hw.system.piece_table import PieceTable, table_base, table_write
from tests.hw.system.agents import Sink, Source, simulate
from tests.hw.system.random_pieces import WINDOW, Piece, system


def random_table(rng, lanes, words):
    table = []
    for word in range(words):
        pieces = rng.choice((1, 1, 2, 3))
        for n in range(pieces):
            last = int(n + 1 == pieces)
            table.append(
                Piece(
                    lane=rng.randrange(lanes), count=rng.randrange(lanes + 1),
                    double=rng.randrange(2), last=last, offset=rng.randrange(WINDOW),
                    final=int(last and word + 1 == words),
                )
            )  # fmt: skip
    return table


def packed(layout, values):
    return layout.const(values).as_value().value


def writes(table, config):
    return [
        packed(table_write(config), {"index": index, "piece": piece.entry(config)})
        for index, piece in enumerate(table)
    ]


def random_base(rng, walkers):
    return {
        "base": rng.randrange(WINDOW), "stay": rng.random() < 0.3,
        "whole": rng.random() < 0.2, "walker": rng.randrange(walkers),
    }  # fmt: skip


class Walk:
    """What bases emit, in plain Python."""

    def __init__(self, table, walkers):
        self._table = table
        self._places = [0] * walkers

    def emitted(self, base):
        walker = base["walker"]
        came_from = self._places[walker]
        while True:
            piece = self._table[self._places[walker]]
            yield Piece(**{**vars(piece), "offset": (piece.offset + base["base"]) % WINDOW})
            self._places[walker] = 0 if piece.final else self._places[walker] + 1
            if piece.final if base["whole"] else piece.last:
                if base["stay"]:
                    self._places[walker] = came_from
                return


def fill(component, table, config, rng):
    return Source(component.write, writes(table, config), rng=rng)


@pytest.mark.parametrize("walkers", [1, 2, 5])
@pytest.mark.parametrize("stalls", [0.0, 0.4])
def test_bases_walk_the_table(walkers, stalls):
    rng = random.Random(f"{walkers} {stalls}")
    config = system(20, 4, pieces=rng.choice((16, 23)))
    table = random_table(rng, 20, 5)
    bases = [random_base(rng, walkers) for _ in range(80)]
    walk = Walk(table, walkers)
    expected = [
        packed(ports.table_piece(config), piece.entry(config))
        for base in bases
        for piece in walk.emitted(base)
    ]
    component = PieceTable(config, walkers=walkers)
    writer = fill(component, table, config, rng)
    layout = table_base(walkers)
    source = Source(component.bases, [packed(layout, b) for b in bases], rng=rng, stalls=stalls)
    sink = Sink(component.pieces, rng=rng, stalls=stalls)
    agents = [writer]
    # Bases come once the table is there.

    def done():
        if writer.sent == len(table) and len(agents) == 1:
            agents.extend((source, sink))
        return len(sink.words) == len(expected)

    simulate(component, agents, done)
    assert sink.words == expected
    if not stalls:
        assert sink.cycles == list(range(sink.cycles[0], sink.cycles[0] + len(expected)))
        assert sink.cycles[0] - source.cycles[0] == 4


def test_all_places_are_rewound():
    rng = random.Random(7)
    walkers = 3
    config = system(8, 4)
    table = random_table(rng, 8, 4)
    component = PieceTable(config, walkers=walkers)
    layout = table_base(walkers)
    bases = [{"base": n, "stay": 0, "whole": 0, "walker": n % walkers} for n in range(7)]
    expected = []
    for _ in range(2):
        walk = Walk(table, walkers)
        expected += [
            packed(ports.table_piece(config), piece.entry(config))
            for base in bases
            for piece in walk.emitted(base)
        ]
    writer = fill(component, table, config, rng)
    sources = [
        Source(component.bases, [packed(layout, base) for base in bases], rng=rng) for _ in range(2)
    ]
    sink = Sink(component.pieces, rng=rng)
    agents = [writer]
    pulsed = 0

    def pulse(context):
        nonlocal pulsed
        now = not pulsed and len(sink.words) == len(expected) // 2
        context.set(component.rewind_all, now)
        if now:
            assert not context.get(component.walking)
        pulsed += now

    def done():
        if writer.sent == len(table) and len(agents) == 1:
            agents.extend((sources[0], sink))
        if pulsed and agents[1] is sources[0]:
            agents[1] = sources[1]
        return len(sink.words) == len(expected)

    simulate(component, agents, done, watch=pulse)
    assert sink.words == expected


def test_entries_have_the_fields_of_pieces():
    config = system(8, 4)
    assert set(ports.table_piece(config).members) == {
        *ports.placed_piece(config).members,
        "final",
    }


@pytest.mark.parametrize("entry", [0, 5])
def test_every_walk_ends(entry):
    """`final` ends a word as well, and the highest entry is final whether it is written or not."""
    rng = random.Random(entry)
    config = system(8, 4, pieces=6)
    piece = Piece(lane=1, count=2, double=0, last=0, offset=3, final=0)
    layout = table_write(config)
    written = {"index": entry, "piece": {**piece.entry(config), "final": int(entry == 0)}}
    component = PieceTable(config)
    writer = Source(component.write, [packed(layout, written)], rng=rng)
    bases = [{"base": 0, "stay": 0, "whole": 0, "walker": 0}] * 2
    source = Source(component.bases, [packed(table_base(), base) for base in bases], rng=rng)
    sink = Sink(component.pieces, rng=rng)
    agents = [writer]
    length = 1 if entry == 0 else config.pieces

    def done():
        if writer.sent == 1 and len(agents) == 1:
            agents.extend((source, sink))
        return len(sink.words) == 2 * length

    simulate(component, agents, done)
    entries = [ports.table_piece(config).from_bits(word) for word in sink.words]
    ends = [n for n, one in enumerate(entries) if one.last]
    assert ends == [n for n, one in enumerate(entries) if one.final] == [length - 1, 2 * length - 1]
