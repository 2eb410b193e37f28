"""The load unit in a cycle."""

from compiler.system.clocks.commands import (
    ADDRESS,
    FINAL,
    INDEX,
    KIND,
    LAST,
    LINE_PITCH,
    LINES,
    MOVE,
    PIECE,
    POOL,
    WORD_PITCH,
    WORDS,
)
from compiler.system.clocks.compiled import inner
from compiler.system.clocks.gather import (
    GATHERER,
    WORD,
    gatherer_takes,
    place_gatherer,
    step_gatherer,
)
from compiler.system.clocks.pieces import (
    ENTRIES,
    ENTRY,
    OFFERS,
    TABLE,
    WALKING,
    place_table,
    step_table,
    table_advances,
    table_takes,
)
from compiler.system.clocks.queues import FIFO, OUT, READY, Places, has_room, is_empty, step_fifo
from compiler.system.clocks.store import BEGINS, NOTHING, TAKES

WORDS_ON_THEIR_WAY = 16
"""Words whose pieces have been sent and that have not come."""

COMMANDS_UNDER_WAY = 16

(
    _ISSUING, _LINE_BASE, _BASE, _WORD, _LINE, _DRAINED, _DRAINED_LINES, _MAY_GIVE, POOLED, WRITES,
) = range(10)  # fmt: skip
_TABLE = 10
GATHER = _TABLE + TABLE
_COMPLETIONS = GATHER + GATHERER
_FINALS = _COMPLETIONS + FIFO
LOAD = _FINALS + FIFO

NO_COMMAND = -1


@inner
def load_idle(state, at):
    """Whether no command is under way."""
    return (
        is_empty(state, at + _COMPLETIONS) and not state[at + _ISSUING] and not state[at + POOLED]
    )


@inner
def step_load(
    state, commands, at, bus_bytes, byte_bits, burst, command, arrives, granted, pooled_taken
):
    """The unit, given `command`, none if below 0; `WRITES` then tells of a word for the array.

    Returns
    -------
    what it does with the command, in bits as those of the store unit; the command that it ends,
    below 0 for none, and whether it has moved words.
    """
    if command < 0 and load_idle(state, at):
        state[at + WRITES] = 0
        return NOTHING, NO_COMMAND, False
    table, gather = at + _TABLE, at + GATHER
    completions, finals = at + _COMPLETIONS, at + _FINALS

    # Drain: words go where the oldest command wants them.
    ends_now = NO_COMMAND
    moved_words = False
    any_head = state[completions + READY] != 0
    head = state[completions + OUT]
    words = 0
    pools = False
    if any_head:
        pools = commands[head, KIND] == POOL
        moves_words = pools or commands[head, KIND] == MOVE
        words = commands[head, WORDS] if moves_words and commands[head, LINES] else 0
    final = state[finals + READY] != 0 and state[finals + OUT] != 0
    pool_free = pooled_taken or not state[at + POOLED]
    takes_word = state[at + _MAY_GIVE] != 0
    moved = state[gather + WORD] != 0 and takes_word
    counted = moved and (not pools or final)
    ended = any_head and words == 0
    if counted:
        state[at + _DRAINED] += 1
        if state[at + _DRAINED] == words:
            state[at + _DRAINED] = 0
            state[at + _DRAINED_LINES] += 1
            ended = state[at + _DRAINED_LINES] == commands[head, LINES]
    if ended:
        state[at + _DRAINED_LINES] = 0
        ends_now = head
        moved_words = words != 0
    state[at + _MAY_GIVE] = (
        any_head and words != 0 and not ended
        and not (pools and (state[at + POOLED] or (moved and final)))
    )  # fmt: skip
    state[at + WRITES] = moved and not pools
    if pool_free:
        state[at + POOLED] = moved and pools and final

    # Which word of a table is the last is told beside the pieces.
    offered = state[table + OFFERS] != 0
    entry = state[table + ENTRY]
    ends = offered and commands[entry, LAST] != 0
    may_go = not ends or has_room(state, finals)
    gather_takes = gatherer_takes(state, gather)
    advances = table_advances(state, table, gather_takes and may_go)
    base_taken = table_takes(state, table)

    # Issue: a command becomes bases for the table.
    issuing = state[at + _ISSUING] != 0
    kind = commands[command, KIND]
    begins = command >= 0 and not issuing and kind != PIECE and has_room(state, completions)
    writes = command >= 0 and not issuing and kind == PIECE and not state[table + WALKING]
    nothing = True
    if begins and kind in (MOVE, POOL):
        nothing = commands[command, WORDS] == 0 or commands[command, LINES] == 0
    sent = issuing and base_taken
    last_word = sent and state[at + _WORD] == commands[command, WORDS] - 1
    done = last_word and state[at + _LINE] == commands[command, LINES] - 1
    base = state[at + _BASE]
    whole = issuing and kind == POOL

    step_fifo(state, finals, ends and gather_takes, commands[entry, FINAL], moved)
    step_gatherer(
        state, commands, gather, bus_bytes, byte_bits, burst, takes_word, arrives, granted,
        offered and may_go, table,
    )  # fmt: skip
    step_table(state, commands, table, advances, issuing, base, False, whole, 0)
    step_fifo(state, completions, begins, command, ended)
    if sent:
        state[at + _BASE] += commands[command, WORD_PITCH]
        state[at + _WORD] += 1
        if last_word:
            state[at + _BASE] = state[at + _LINE_BASE]
            state[at + _LINE_BASE] += commands[command, LINE_PITCH]
            state[at + _WORD] = 0
            state[at + _LINE] += 1
    if done:
        state[at + _ISSUING] = 0
    does = NOTHING
    if begins and not nothing:
        does |= BEGINS
        state[at + _ISSUING] = 1
        state[at + _BASE] = commands[command, ADDRESS]
        state[at + _LINE_BASE] = commands[command, ADDRESS] + commands[command, LINE_PITCH]
        state[at + _WORD] = 0
        state[at + _LINE] = 0
    if writes:
        state[state[table + ENTRIES] + commands[command, INDEX]] = command
    if writes or (begins and nothing) or done:
        does |= TAKES
    return does, ends_now, moved_words


def place_load(
    places: Places, at: int, *, entries: int, byte_bits: int, buffered_beats: int, unwritten: int
) -> None:
    """Give the unit at `at` its table, its gatherer and its queues."""
    place_table(places, at + _TABLE, entries, 1, unwritten)
    place_gatherer(places, at + GATHER, byte_bits=byte_bits, buffered_beats=buffered_beats)
    places.fifo(at + _COMPLETIONS, COMMANDS_UNDER_WAY)
    places.fifo(at + _FINALS, WORDS_ON_THEIR_WAY)
