import numpy as np
import pytest

from compiler.system.piece_table import PieceTable
from compiler.system.pieces import Piece, entries, table_of, word_of
from compiler.system.tile_commands import Lines, _lines_by_word, relative_table
from params.commands import Opcode


def as_tuples(word):
    return [(piece.lane, piece.count, piece.double, piece.offset) for piece in word]


@pytest.mark.parametrize(
    ("offsets", "pieces"),
    [
        ([-1, -1], []),
        ([7], [(0, 1, False, 7)]),
        ([3, 4, 5, -1, 6], [(0, 3, False, 3), (4, 1, False, 6)]),
        ([0, 2, 4, 6], [(0, 4, True, 0)]),
        ([0, 2, 3, 4], [(0, 1, False, 0), (1, 3, False, 2)]),
        ([0, 1, 2, 4, 6], [(0, 3, False, 0), (3, 2, True, 4)]),
        ([0, 3, 6], [(0, 1, False, 0), (1, 1, False, 3), (2, 1, False, 6)]),
        ([5, 4, 3], [(0, 1, False, 5), (1, 1, False, 4), (2, 1, False, 3)]),
        ([9, -1, 11], [(0, 1, False, 9), (2, 1, False, 11)]),
    ],
)
def test_runs_of_lanes(offsets, pieces):
    assert as_tuples(word_of(np.array(offsets))) == pieces


def test_pieces_give_back_every_lane():
    rng = np.random.default_rng(0)
    for _ in range(3000):
        offsets = np.cumsum(rng.choice([1, 1, 2, 2, 5], rng.integers(1, 12)))
        offsets[rng.random(len(offsets)) < 0.2] = -1
        found = np.full(len(offsets), -1)
        for piece in word_of(offsets):
            lanes = np.arange(piece.count)
            found[piece.lane + lanes] = piece.offset + lanes * (1 + piece.double)
        np.testing.assert_array_equal(found, offsets)


def test_an_empty_word_takes_an_entry():
    table = table_of(np.array([[-1, -1], [0, 1], [0, 7]]))
    assert entries(table) == 4


def test_only_entries_that_change_are_written():
    table = PieceTable(Opcode.LOAD_PIECE)
    one, two, none = (Piece(lane=0, count=n, double=False, offset=0) for n in (1, 2, 0))
    first = table.write(((one,), (two,)))
    assert [(c.fields["index"], c.fields["last"], c.fields["final"]) for c in first] == [
        (0, 1, 0), (1, 1, 1),
    ]  # fmt: skip
    assert table.write(((one,), (two,))) == []
    (second,) = table.write(((one,),))
    assert (second.fields["index"], second.fields["final"]) == (0, 1)
    # What is behind the end of a table is still there.
    (third,) = table.write(((one,), (two,)))
    assert third.fields["index"] == 0
    (fourth,) = table.write(((),))
    assert (fourth.fields["count"], fourth.fields["last"], fourth.fields["final"]) == (0, 1, 1)
    assert none.count == 0


def test_lines_at_a_constant_distance_come_together():
    line = np.array([0, 1, 2, -1])
    offsets = np.array([line + base for base in (0, 10, 20, 35, 50, 49)])
    offsets[:, 3] = -1
    (parts,) = _lines_by_word(offsets).values()
    assert parts == [
        Lines(first=0, count=3, base=0, pitch=10),
        Lines(first=3, count=2, base=35, pitch=15),
        Lines(first=5, count=1, base=49, pitch=0),
    ]


def test_no_more_lines_come_together_than_a_command_counts():
    (parts,) = _lines_by_word(np.arange(600).reshape(-1, 2)).values()
    assert [(part.first, part.count) for part in parts] == [(0, 255), (255, 45)]


def test_lines_of_one_word_are_loaded_one_after_the_other():
    a, b = [0, 1, 2], [0, 2, 4]
    words = _lines_by_word(np.array([a, b, a, b]))
    assert [[part.first for part in parts] for parts in words.values()] == [[0, 2], [1, 3]]


def test_a_table_counts_from_its_least_byte():
    table, base = relative_table(np.array([[12, 13], [-1, 10]]))
    assert base == 10
    assert [as_tuples(word) for word in table] == [[(0, 2, False, 2)], [(1, 1, False, 0)]]
    assert relative_table(np.array([[-1]])) == (((),), 0)
