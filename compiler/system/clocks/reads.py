"""The read master and the memory behind it in a cycle."""

from compiler.system.clocks.compiled import inner
from compiler.system.clocks.queues import BUFFER, DATA, SPARE, VALID, Places, step_buffer

BURSTS_PER_READER = 32 - 3
"""Bursts under way with which a reader takes part in the turns no more, a cycle later."""

BURSTS_IN_MEMORY = 64

SCALE = 1 << 16
"""Steps of a beat in which a memory's bandwidth is counted."""

NOBODY = -1
"""The reader that a beat is not for."""

# The master: its arbiter, the checked request, the one on the bus, and whose beat arrives. A
# request is its beats and its reader in one number.
_LAST_TAKEN = 0
_ARBITER = 1
_CHECKED = _ARBITER + BUFFER
_CHECKED_REQUEST, _ON_BUS, _ON_BUS_REQUEST, ARRIVING, _ANSWERING, _ANSWERED = range(
    _CHECKED + 1, _CHECKED + 7
)
# The memory: bursts that wait with the cycle from which they are answered, and the beat on R.
(
    _TAKES, _COUNT, _FIRST, _DONE, _CREDIT, _BEAT, _BEAT_READER, _BEAT_LAST, BEATS_READ, _RING,
    _OPEN, _MAY, READS,
) = range(_CHECKED + 7, _CHECKED + 20)  # fmt: skip

READER_BITS = 8


@inner
def choose(state, at, asks, readers):
    """The reader whose request is taken; `asks` has the beats of each, 0 for none."""
    if state[at + _ARBITER + SPARE]:
        return NOBODY
    last = state[at + _LAST_TAKEN]
    for n in range(1, readers + 1):
        k = last + n
        if k >= readers:
            k -= readers
        if asks[k] and state[state[at + _MAY] + k]:
            return k
    return NOBODY


@inner
def reads_idle(state, at, readers):
    """Whether no request is under way."""
    for k in range(readers):
        if state[state[at + _OPEN] + k]:
            return False
    return not (
        state[at + ARRIVING] != NOBODY
        or state[at + _ARBITER + VALID]
        or state[at + _CHECKED]
        or state[at + _ANSWERING]
    )


@inner
def reads_busy(state, at):
    """Whether bursts wait in memory for their time."""
    return state[at + _COUNT] != 0


@inner
def step_reads(state, at, now, asks, chosen, readers, latency, bandwidth, stop):
    """The master and its memory; `chosen` is the reader whose request is taken.

    Once they `stop`, requests are answered without memory.
    """
    opened = state[at + _OPEN]
    for k in range(readers):
        state[state[at + _MAY] + k] = state[opened + k] < BURSTS_PER_READER
    checked, answering = state[at + _CHECKED], state[at + _ANSWERING]
    request = state[at + _CHECKED_REQUEST]
    reader = request & ((1 << READER_BITS) - 1)
    bus_free = state[at + _TAKES] != 0 or not state[at + _ON_BUS]
    sends = checked and not stop and not answering and bus_free
    answers = checked and stop and not answering and state[opened + reader] == 0
    was_on_bus = state[at + _ON_BUS] and state[at + _TAKES]
    on_bus_request = state[at + _ON_BUS_REQUEST]
    comes, comes_to, is_last = state[at + _BEAT], state[at + _BEAT_READER], state[at + _BEAT_LAST]

    # The memory.
    ring = state[at + _RING]
    if was_on_bus:
        slot = ring + 2 * ((state[at + _FIRST] + state[at + _COUNT]) % BURSTS_IN_MEMORY)
        state[slot] = on_bus_request
        state[slot + 1] = now + latency
        state[at + _COUNT] += 1
    credit = min(state[at + _CREDIT] + bandwidth, 2 * SCALE - 1)
    if not (comes and answering):
        state[at + _BEAT] = 0
        if state[at + _COUNT] and credit >= SCALE:
            slot = ring + 2 * state[at + _FIRST]
            if now + 1 >= state[slot + 1]:
                credit -= SCALE
                state[at + _BEAT] = 1
                state[at + _BEAT_READER] = state[slot] & ((1 << READER_BITS) - 1)
                state[at + _DONE] += 1
                state[at + BEATS_READ] += 1
                state[at + _BEAT_LAST] = state[at + _DONE] == state[slot] >> READER_BITS
                if state[at + _BEAT_LAST]:
                    state[at + _DONE] = 0
                    state[at + _FIRST] = (state[at + _FIRST] + 1) % BURSTS_IN_MEMORY
                    state[at + _COUNT] -= 1
    state[at + _CREDIT] = min(credit, SCALE)
    state[at + _TAKES] = state[at + _COUNT] < BURSTS_IN_MEMORY

    # The master.
    if answering:
        state[at + ARRIVING] = state[at + _ANSWERED]
        state[at + _ANSWERING] -= 1
    else:
        state[at + ARRIVING] = comes_to if comes else NOBODY
        if comes and is_last:
            state[opened + comes_to] -= 1
    if answers:
        state[at + _ANSWERING] = request >> READER_BITS
        state[at + _ANSWERED] = reader
    if sends:
        state[opened + reader] += 1
    if bus_free:
        state[at + _ON_BUS] = sends
        state[at + _ON_BUS_REQUEST] = request
    moves = sends or answers or not checked
    if moves:
        state[at + _CHECKED] = state[at + _ARBITER + VALID]
        state[at + _CHECKED_REQUEST] = state[at + _ARBITER + DATA]
    new = 0
    if chosen != NOBODY:
        new = asks[chosen] << READER_BITS | chosen
        state[at + _LAST_TAKEN] = chosen
    step_buffer(state, at + _ARBITER, chosen != NOBODY, new, moves)


def place_reads(places: Places, at: int, readers: int) -> None:
    """Give the master at `at` and its memory their queues."""
    places.constant(at + _LAST_TAKEN, readers - 1)
    places.constant(at + ARRIVING, NOBODY)
    places.constant(at + _TAKES, 1)
    places.constant(at + _CREDIT, SCALE)
    places.constant(at + _RING, places.take(2 * BURSTS_IN_MEMORY))
    places.constant(at + _OPEN, places.take(readers))
    may = places.take(readers)
    places.constant(at + _MAY, may)
    for k in range(readers):
        places.constant(may + k, 1)
