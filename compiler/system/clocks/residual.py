"""The residual unit in a cycle."""

from compiler.system.clocks.commands import ADDRESS, INDEX, KIND, MOVE, PASSES, PIECE, ROWS
from compiler.system.clocks.compiled import inner
from compiler.system.clocks.feed import ADDED, FEEDER
from compiler.system.clocks.gather import (
    GATHERER,
    WORD,
    gatherer_takes,
    place_gatherer,
    step_gatherer,
)
from compiler.system.clocks.pieces import (
    ENTRIES,
    OFFERS,
    TABLE,
    place_table,
    rewind,
    step_table,
    table_advances,
    table_takes,
)
from compiler.system.clocks.queues import FIFO, OUT, READY, Places, has_room, is_empty, step_fifo
from compiler.system.clocks.store import BEGINS, ENDS, TAKES
from compiler.system.clocks.walk import WALKER, WALKS, has_place, is_missing, place, stays, walk

WORDS_AHEAD = 4
"""Words of a row that are on their way."""

TURN, _ADDRESS, _PASSES, ACTIVE, COMMAND, _MAY_GIVE = range(6)
_TABLE = 6
GATHER = _TABLE + TABLE
_TAGS = GATHER + GATHERER
_WALKERS = _TAGS + FIFO
# Of each row, the words that it has room for, whether it holds one, and the output words of that
# one that are given.
_ROOM, _HOLDING, _GIVEN = WALKER, WALKER + 1, WALKER + 2
_WALKER = WALKER + 3

MISSING_TAG = 1 << 8
"""Marks the tag of a word that is not gathered."""


def residual_size(rows: int) -> int:
    """Places of the state that the unit takes."""
    return _WALKERS + rows * _WALKER


@inner
def asks_for_words(state, at, feeders, rows):
    """Whether a row asks for a word."""
    found = False
    for k in range(rows):
        walker = at + _WALKERS + k * _WALKER
        found = found or (
            has_place(state, walker, feeders + k * FEEDER + ADDED) and state[walker + _ROOM] != 0
        )
    return found


@inner
def can_give(state, at, rows, words_taken):
    """Whether the array takes a word that is there."""
    found = False
    for k in range(rows):
        holding = state[at + _WALKERS + k * _WALKER + _HOLDING] != 0
        found = found or (holding and words_taken[k])
    return found


@inner
def step_residual(
    state, commands, groups, at, feeders, rows, length, filters, bus_bytes, byte_bits, burst,
    command, arrives, granted, words_taken, given, channels_taken,
):  # fmt: skip
    """The unit, given `command`, none if below 0.

    Parameters
    ----------
    words_taken : of each row, whether it takes a word; `given` and `channels_taken` tell
        afterwards whether it gets one, and whether the channels of a group are taken.

    Returns
    -------
    what it does, in bits as those of the store unit.
    """
    table, gather, tags = at + _TABLE, at + GATHER, at + _TAGS
    active = state[at + ACTIVE] != 0
    kind = commands[command, KIND]
    takes = command >= 0 and not active
    begins = takes and kind == MOVE
    holding, busy = False, False
    for k in range(rows):
        walker = at + _WALKERS + k * _WALKER
        channels_taken[k] = False
        given[k] = state[walker + _HOLDING] != 0 and words_taken[k]
        holding = holding or state[walker + _HOLDING] != 0
        busy = busy or state[walker + WALKS] != 0
    done = active and not busy and is_empty(state, tags) and not holding

    # Give: words of all lanes as the rows' output words; each row holds one.
    head = state[tags + OUT]
    missing = head & MISSING_TAG != 0
    owner = head & (MISSING_TAG - 1)
    own = at + _WALKERS + owner * _WALKER
    ends = given[owner] and state[own + _GIVEN] == length - 1
    free = state[own + _HOLDING] == 0 or ends
    taken = state[at + _MAY_GIVE] != 0 and (missing or state[gather + WORD] != 0)
    state[at + _MAY_GIVE] = state[tags + READY] != 0 and free and not taken

    # Ask: the pieces of the row whose turn it is.
    turn = state[at + TURN]
    own = at + _WALKERS + turn * _WALKER
    channels = feeders + turn * FEEDER + ADDED
    asks = has_place(state, own, channels) and state[own + _ROOM] != 0
    advances = table_advances(state, table, gatherer_takes(state, gather))
    base_taken = table_takes(state, table)
    no_place = asks and is_missing(state, groups, own, channels)
    asked = asks and has_room(state, tags) and (no_place or base_taken)
    offered = asks and has_room(state, tags) and not no_place
    base, stay = state[at + _ADDRESS], False
    if offered:
        base += place(state, groups, own, channels, filters)
        stay = stays(state, groups, own, channels, filters)

    step_gatherer(
        state, commands, gather, bus_bytes, byte_bits, burst, taken and not missing, arrives,
        granted, state[table + OFFERS], table,
    )  # fmt: skip
    step_table(state, commands, table, advances, offered, base, stay, False, turn)
    step_fifo(state, tags, asked, turn | (MISSING_TAG if no_place else 0), taken)
    for k in range(rows):
        walker = at + _WALKERS + k * _WALKER
        channels = feeders + k * FEEDER + ADDED
        moves = asked and k == turn
        last = given[k] and state[walker + _GIVEN] == length - 1
        if given[k]:
            state[walker + _GIVEN] = 0 if last else state[walker + _GIVEN] + 1
        state[walker + _HOLDING] = (taken and k == owner) or (
            state[walker + _HOLDING] != 0 and not last
        )
        state[walker + _ROOM] += int(last) - int(moves)
        starts = begins and commands[command, ROWS] >> k & 1 != 0
        channels_taken[k] = walk(
            state, groups, walker, channels, filters, state[at + _PASSES], moves, starts
        )
    if not asks or asked:
        state[at + TURN] = 0 if turn == rows - 1 else turn + 1
    if begins:
        rewind(state, table, rows)
    if takes:
        state[at + COMMAND] = command
        state[at + _ADDRESS] = commands[command, ADDRESS]
        state[at + _PASSES] = commands[command, PASSES]
        if kind == PIECE:
            state[state[table + ENTRIES] + commands[command, INDEX]] = command
    state[at + ACTIVE] = (active and not done) or begins
    return (BEGINS if begins else 0) | (ENDS if done else 0) | (TAKES if takes else 0)


def place_residual(
    places: Places,
    at: int,
    *,
    rows: int,
    entries: int,
    byte_bits: int,
    buffered_beats: int,
    unwritten: int,
) -> None:
    """Give the unit at `at` its table, its gatherer and its queue, and its turn as the store's."""
    places.constant(at + TURN, 1 % rows)
    place_table(places, at + _TABLE, entries, rows, unwritten)
    place_gatherer(places, at + GATHER, byte_bits=byte_bits, buffered_beats=buffered_beats)
    places.fifo(at + _TAGS, max(2, WORDS_AHEAD * rows))
    for k in range(rows):
        places.constant(at + _WALKERS + k * _WALKER + _ROOM, WORDS_AHEAD)
