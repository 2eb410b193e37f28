"""The store unit in a cycle."""

from compiler.system.clocks.commands import (
    ADDRESS,
    INDEX,
    KIND,
    MOVE,
    PASSES,
    PIECE,
    POOL,
    ROWS,
    WORD_PITCH,
    WORDS,
)
from compiler.system.clocks.compiled import inner
from compiler.system.clocks.feed import FEEDER, STORED
from compiler.system.clocks.pieces import (
    ENTRIES,
    OFFERS,
    TABLE,
    WALKING,
    place_table,
    rewind,
    step_table,
    table_advances,
    table_takes,
)
from compiler.system.clocks.queues import COUNT, PLAIN, Places, front, step_plain
from compiler.system.clocks.queues import takes as has_place_for
from compiler.system.clocks.scatter import (
    SCATTERER,
    place_scatterer,
    scatterer_busy,
    scatterer_takes,
    step_scatterer,
    takes_word,
)
from compiler.system.clocks.walk import WALKER, WALKS, has_place, is_missing, place, stays, walk

(
    TURN, _POOLING, _ADDRESS, _PITCH, _WORDS, _PASSES, _HELD, ACTIVE, COMMAND, _ENTERS, _ENTERING,
    _GOES,
) = range(12)  # fmt: skip
_TABLE = 12
SCATTER = _TABLE + TABLE
# The rows of the words whose pieces are on their way, in order, behind the one that comes in.
_COMING = SCATTER + SCATTERER
_COLLECTORS = _COMING + PLAIN
# Of each row: the output words of a word of all lanes that have come, whether all have, and whether
# its pieces are on their way; then whether its place is known, whether it is of a missing filter,
# and that the next is walked to.
_COME, _FULL, _SENT, _KNOWN, _ABSENT, _WALKS_ON, _SOON = range(WALKER, WALKER + 7)
_COLLECTOR = WALKER + 7

LEAD = 5
"""Output words before the end of a word of all lanes at which its pieces go off, a cycle later."""

NOTHING, BEGINS, ENDS, TAKES = 0, 1, 2, 4
"""What the unit does with the command at its queue's head, and with the one under way."""


def store_size(rows: int) -> int:
    """Places of the state that the unit takes."""
    return _COLLECTORS + rows * _COLLECTOR


@inner
def has_words(state, at, feeders, rows):
    """Whether a row has a word of all lanes, or part of one, or gets to know where its next is."""
    found = False
    for k in range(rows):
        collector = at + _COLLECTORS + k * _COLLECTOR
        channels = feeders + k * FEEDER + STORED
        found = (
            found or state[collector + _FULL] != 0 or state[collector + _COME] != 0
            or (has_place(state, collector, channels) and not state[collector + _KNOWN])
        )  # fmt: skip
    return found


@inner
def _soon(state, at, length):
    """Whether the collector at `at` has a word, or will have one shortly."""
    return (
        state[at + _KNOWN] != 0
        and not state[at + _ABSENT]
        and (
            state[at + _FULL] != 0
            or (state[at + _COME] != 0 and state[at + _COME] + LEAD >= length)
        )
    )


@inner
def step_store(
    state, commands, groups, at, feeders, rows, length, filters, bus_bytes, byte_bits, burst,
    command, pooled, beat_taken, granted, written, outputs, outputs_taken, channels_taken,
):  # fmt: skip
    """The unit, given `command`, none if below 0.

    Parameters
    ----------
    pooled : a word of a max-pool is on offer.
    outputs : of each row, whether it offers a word; `outputs_taken` and `channels_taken` tell
        afterwards whether it is taken, and the channels of a group.

    Returns
    -------
    what it does, in bits; whether the word of a max-pool is taken.
    """
    table, scatter = at + _TABLE, at + SCATTER
    active = state[at + ACTIVE] != 0
    kind = commands[command, KIND]
    takes = command >= 0 and not active
    begins = takes and kind in (MOVE, POOL)
    pooling = state[at + _POOLING] != 0
    held = state[at + _HELD] != 0
    word_taken = held and takes_word(state, scatter, held)
    advances = table_advances(state, table, scatterer_takes(state, scatter))
    base_taken = table_takes(state, table)

    # Where a word's pieces start goes off first, the word when it is whole and there is room.
    turn = state[at + TURN]
    own = at + _COLLECTORS + turn * _COLLECTOR
    channels = feeders + turn * FEEDER + STORED
    asks = state[own + _SOON] != 0 and not state[own + _SENT]
    coming = at + _COMING
    first = at + _COLLECTORS
    if pooling:
        offered = pooled and state[at + _WORDS] != 0 and not state[first + _SENT]
    else:
        offered = asks
    offered = offered and has_place_for(state, coming)
    started = offered and base_taken
    base, stay, walker = state[at + _ADDRESS], False, 0
    if offered and not pooling:
        base += place(state, groups, own, channels, filters)
        stay = stays(state, groups, own, channels, filters)
        walker = turn
    comes = state[coming + COUNT] != 0
    source = front(state, coming) if comes else 0
    served = started and not pooling
    # Whether a word goes is decided a cycle before.
    moved = state[at + _GOES] != 0
    goes = comes and not moved and (not held or word_taken)

    busy = False
    for k in range(rows):
        collector = at + _COLLECTORS + k * _COLLECTOR
        busy = busy or state[collector + WALKS] != 0
    quiet = not (
        held or comes or state[at + _ENTERS] != 0 or busy or scatterer_busy(state, scatter)
        or state[table + WALKING] != 0 or state[at + _WORDS] != 0
    )  # fmt: skip

    for k in range(rows):
        collector = at + _COLLECTORS + k * _COLLECTOR
        channels = feeders + k * FEEDER + STORED
        full = state[collector + _FULL] != 0
        early = length > 1 and not state[collector + _COME]
        outputs_taken[k] = outputs[k] and (not full or early)
        free = (
            full
            and state[collector + _KNOWN] != 0
            and (state[collector + _ABSENT] != 0 or (moved and not pooling and k == source))
        )
        state[collector + _SOON] = not free and _soon(state, collector, length)
        if free:
            state[collector + _FULL] = 0
        if outputs_taken[k]:
            state[collector + _COME] += 1
            if state[collector + _COME] == length:
                state[collector + _COME] = 0
                state[collector + _FULL] = 1
        if goes and not pooling and k == source:
            goes = state[collector + _FULL] != 0 and state[collector + _KNOWN] != 0
            goes = goes and not state[collector + _ABSENT]
        starts = begins and kind == MOVE and commands[command, ROWS] >> k & 1 != 0
        any_place = has_place(state, collector, channels)
        walks_on = state[collector + _WALKS_ON] != 0
        state[collector + _ABSENT] = any_place and is_missing(state, groups, collector, channels)
        state[collector + _KNOWN] = any_place and not free and not walks_on
        state[collector + _WALKS_ON] = free
        channels_taken[k] = walk(
            state, groups, collector, channels, filters, state[at + _PASSES],
            walks_on and any_place, starts,
        )  # fmt: skip

    step_scatterer(
        state, commands, scatter, bus_bytes, byte_bits, burst, held, beat_taken, granted, written,
        state[table + OFFERS], table,
    )  # fmt: skip
    step_table(state, commands, table, advances, offered, base, stay, False, walker)
    if begins:
        rewind(state, table, rows)
    if moved:
        state[at + _HELD] = 1
        state[at + _COLLECTORS + source * _COLLECTOR + _SENT] = 0
    elif word_taken:
        state[at + _HELD] = 0
    if started:
        state[at + _COLLECTORS + walker * _COLLECTOR + _SENT] = 1
        if pooling:
            state[at + _ADDRESS] += state[at + _PITCH]
            state[at + _WORDS] -= 1
    state[at + _GOES] = goes
    if moved or has_place_for(state, coming):
        step_plain(state, coming, state[at + _ENTERS] != 0, state[at + _ENTERING], moved)
        state[at + _ENTERS] = started
        state[at + _ENTERING] = walker
    if not asks or served:
        state[at + TURN] = 0 if turn == rows - 1 else turn + 1

    done = active and quiet
    if takes:
        state[at + COMMAND] = command
        state[at + _POOLING] = kind == POOL
        state[at + _ADDRESS] = commands[command, ADDRESS]
        state[at + _WORDS] = commands[command, WORDS] if kind == POOL else 0
        state[at + _PITCH] = commands[command, WORD_PITCH]
        state[at + _PASSES] = commands[command, PASSES]
        if kind == PIECE:
            state[state[table + ENTRIES] + commands[command, INDEX]] = command
    state[at + ACTIVE] = (active and not done) or begins
    does = (BEGINS if begins else 0) | (ENDS if done else 0) | (TAKES if takes else 0)
    return does, moved and pooling


def place_store(
    places: Places, at: int, *, rows: int, entries: int, byte_bits: int, unwritten: int
) -> None:
    """Give the unit at `at` its table and its scatterer; the turns went on when the run began."""
    places.constant(at + TURN, 1 % rows)
    place_table(places, at + _TABLE, entries, rows, unwritten)
    place_scatterer(places, at + SCATTER, byte_bits=byte_bits)
    places.plain(at + _COMING, rows)
