"""Commands on their way to the units in a cycle: reader, dispatcher, queues, semaphores."""

from compiler.system.clocks.commands import QUEUE, SIGNAL, WAIT
from compiler.system.clocks.compiled import inner
from compiler.system.clocks.queues import (
    FIFO,
    OUT,
    READY,
    Places,
    has_room,
    is_empty,
    step_fifo,
    step_level,
)
from params.commands import SEMAPHORES

COMMANDS_IN_QUEUE = 16

UNITS = 5

_BEATS = 0
# The reader, and the dispatcher with the command it holds.
(
    _ROOM, _NEXT, _LIMIT, _TAKEN, _PER_BEAT, _BEATS_EACH, _COMMAND, HOLDING, _HELD, ENDED,
    _RETURNED, _MAY_ASK, _TAKEN_LAST, _TAKEN_BEFORE,
) = range(FIFO, FIFO + 14)  # fmt: skip
_QUEUES = FIFO + 14
_GOT = _QUEUES + UNITS * FIFO
_SIGNALS = _GOT + UNITS
_COUNTED = _SIGNALS + UNITS
_COUNTS = _COUNTED + UNITS
SUPPLY = _COUNTS + SEMAPHORES

NOTHING = -1


@inner
def supply_asks(state, at, burst):
    """Beats of the burst that the reader of commands asks for, 0 for none."""
    if state[at + ENDED] or not state[at + _MAY_ASK]:
        return 0
    return burst - (state[at + _NEXT] & (burst - 1))


@inner
def heads(state, commands, at, found):
    """The command that each unit is given, `NOTHING` for none."""
    for n in range(UNITS):
        queue = at + _QUEUES + n * FIFO
        found[n] = NOTHING
        if state[queue + READY]:
            command = state[queue + OUT]
            if state[at + _GOT + n] or not commands[command, WAIT]:
                found[n] = command


@inner
def waiting(state, commands, at, n):
    """The semaphore that the unit waits for, 0 for none."""
    queue = at + _QUEUES + n * FIFO
    if not state[queue + READY] or state[at + _GOT + n]:
        return 0
    return commands[state[queue + OUT], WAIT]


@inner
def count(state, at, semaphore):
    """What a semaphore stands at."""
    return state[at + _COUNTS + semaphore]


@inner
def signals(state, at):
    """Whether a unit signals in this cycle."""
    found = 0
    for n in range(UNITS):
        found |= state[at + _SIGNALS + n]
    return found != 0


@inner
def counting(state, at):
    """Whether what has been signalled or taken is still to be counted."""
    found = state[at + _TAKEN_LAST] | state[at + _TAKEN_BEFORE]
    for n in range(UNITS):
        found |= state[at + _COUNTED + n]
    return found != 0


@inner
def step_semaphores(state, commands, at, granted):
    """The semaphores, with the signals of the units; which of them each unit is `granted`."""
    taken = 0
    last, before = state[at + _TAKEN_LAST], state[at + _TAKEN_BEFORE]
    for n in range(UNITS):
        granted[n] = 0
        semaphore = waiting(state, commands, at, n)
        # What has just been taken is given again when it has been counted.
        counted = semaphore != last and semaphore != before
        if semaphore and not taken and counted and state[at + _COUNTS + semaphore]:
            granted[n] = semaphore
            taken = semaphore
    state[at + _TAKEN_LAST] = taken
    state[at + _TAKEN_BEFORE] = last
    for n in range(UNITS):
        if granted[n]:
            state[at + _COUNTS + granted[n]] -= 1
        # A signal is counted in the cycle after it.
        signal = state[at + _COUNTED + n]
        if signal:
            state[at + _COUNTS + signal] += 1
        state[at + _COUNTED + n] = state[at + _SIGNALS + n]
        state[at + _SIGNALS + n] = 0


@inner
def tell(state, commands, at, n, command):
    """A unit signals that a command is done, in the next cycle."""
    state[at + _SIGNALS + n] = commands[command, SIGNAL]


@inner
def all_given(state, at):
    """Whether no command is left on its way to a unit."""
    if not state[at + ENDED] or state[at + HOLDING]:
        return False
    empty = True
    for n in range(UNITS):
        empty = empty and is_empty(state, at + _QUEUES + n * FIFO)
    return empty


@inner
def step_supply(state, commands, at, burst, arrives, granted_read, granted, done):
    """All but the semaphores; `done` tells which units take the command they are given."""
    held = state[at + _HELD]
    target = commands[held, QUEUE]
    holding = state[at + HOLDING] != 0
    ends = holding and target < 0
    taken = holding and not ends and has_room(state, at + _QUEUES + target * FIFO)
    for n in range(UNITS):
        queue = at + _QUEUES + n * FIFO
        state[at + _GOT + n] = (state[at + _GOT + n] != 0 or granted[n] != 0) and not done[n]
        step_fifo(state, queue, holding and n == target, held, done[n])

    # Whole commands make up a beat, or whole beats a command.
    ready = (not holding or taken) and not state[at + ENDED]
    parts, each = state[at + _PER_BEAT], state[at + _BEATS_EACH]
    part = state[at + _TAKEN]
    there = state[at + _BEATS + READY] != 0
    whole = part % each == each - 1
    accepts = there and whole and ready
    read = (not whole or ready) if each > 1 else ready and part == parts - 1
    beat_taken = there and read
    if accepts or (beat_taken and each > 1):
        state[at + _TAKEN] = (part + 1) % max(parts, each)
    if taken or ends:
        state[at + HOLDING] = 0
    if ends:
        state[at + ENDED] = 1
    if accepts:
        command = state[at + _COMMAND]
        state[at + _COMMAND] += 1
        state[at + _HELD] = command
        state[at + HOLDING] = 1
    state[at + _MAY_ASK] = (
        state[at + _ROOM] >= burst and state[at + _NEXT] < state[at + _LIMIT] and not granted_read
    )
    if granted_read:
        beats = burst - (state[at + _NEXT] & (burst - 1))
        state[at + _ROOM] -= beats
        state[at + _NEXT] += beats
    state[at + _ROOM] += state[at + _RETURNED]
    state[at + _RETURNED] = beat_taken
    step_level(state, at + _BEATS, arrives, read)


def place_supply(
    places: Places,
    at: int,
    *,
    buffered_beats: int,
    first_beat: int,
    limit: int,
    per_beat: int,
    each: int,
) -> None:
    """Give the reader at `at` its first beat and the one behind its last, and all their queues."""
    places.fifo(at + _BEATS, buffered_beats)
    for place, value in (
        (_ROOM, buffered_beats), (_NEXT, first_beat), (_LIMIT, limit), (_PER_BEAT, per_beat),
        (_BEATS_EACH, each),
    ):  # fmt: skip
        places.constant(at + place, value)
    for n in range(UNITS):
        places.fifo(at + _QUEUES + n * FIFO, COMMANDS_IN_QUEUE)
