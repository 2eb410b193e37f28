"""The write master and the memory behind it in a cycle."""

from compiler.system.clocks.compiled import inner
from compiler.system.clocks.queues import (
    BUFFER,
    COUNT,
    DATA,
    PLAIN,
    SPARE,
    VALID,
    Places,
    front,
    step_buffer,
    step_plain,
    takes,
)
from compiler.system.clocks.reads import SCALE

AHEAD = 4
"""Requests that are taken before a beat of the oldest is."""

BURSTS_UNDER_WAY = 32

BURSTS_IN_MEMORY = 64

_REQUESTS = 0
_LENGTHS = _REQUESTS + BUFFER
# The master: the checked request, address and beat on the bus, and what memory has confirmed.
(
    _CHECKED, _CHECKED_BEATS, _ADDRESS, _ADDRESS_BEATS, _BEAT, _POSITION, _UNDER_WAY, WRITTEN,
) = range(_LENGTHS + PLAIN, _LENGTHS + PLAIN + 8)  # fmt: skip
# The memory: addresses and beats that wait, beats of the oldest burst that are written, answers.
(
    _TAKES_ADDRESS, _TAKES_BEAT, _COUNT, _FIRST, _BEATS, _DONE, _CREDIT, _ANSWERS, _ANSWER,
    BEATS_WRITTEN, _RING, WRITES,
) = range(WRITTEN + 1, WRITTEN + 13)  # fmt: skip


@inner
def takes_beat(state, at):
    """Whether the master takes a beat."""
    free = state[at + _TAKES_BEAT] != 0 or not state[at + _BEAT]
    return state[at + _LENGTHS + COUNT] != 0 and free


@inner
def takes_request(state, at):
    """Whether the master takes a request."""
    return not state[at + _REQUESTS + SPARE]


@inner
def writes_idle(state, at):
    """Whether no request is under way."""
    return not (
        state[at + _UNDER_WAY]
        or state[at + _REQUESTS + VALID]
        or state[at + _CHECKED]
        or state[at + WRITTEN]
    )


@inner
def step_writes(state, at, beats, beat_offered, bandwidth):
    """The master and its memory, with a request of `beats` beats on offer, 0 for none."""
    takes_it = takes_beat(state, at) and beat_offered
    beat_free = state[at + _TAKES_BEAT] != 0 or not state[at + _BEAT]
    address_free = state[at + _TAKES_ADDRESS] != 0 or not state[at + _ADDRESS]
    lengths = at + _LENGTHS
    sends = (
        state[at + _CHECKED] != 0
        and address_free
        and takes(state, lengths)
        and state[at + _UNDER_WAY] != BURSTS_UNDER_WAY
    )
    answer = state[at + _ANSWER]

    # The memory.
    if state[at + _ADDRESS] and state[at + _TAKES_ADDRESS]:
        slot = (state[at + _FIRST] + state[at + _COUNT]) % BURSTS_IN_MEMORY
        state[state[at + _RING] + slot] = state[at + _ADDRESS_BEATS]
        state[at + _COUNT] += 1
    if state[at + _BEAT] and state[at + _TAKES_BEAT]:
        state[at + _BEATS] += 1
    credit = min(state[at + _CREDIT] + bandwidth, 2 * SCALE - 1)
    if (
        state[at + _COUNT] and state[at + _BEATS] and state[at + _ANSWERS] < BURSTS_IN_MEMORY
        and credit >= SCALE
    ):  # fmt: skip
        credit -= SCALE
        state[at + _BEATS] -= 1
        state[at + BEATS_WRITTEN] += 1
        state[at + _DONE] += 1
        if state[at + _DONE] == state[state[at + _RING] + state[at + _FIRST]]:
            state[at + _DONE] = 0
            state[at + _FIRST] = (state[at + _FIRST] + 1) % BURSTS_IN_MEMORY
            state[at + _COUNT] -= 1
            state[at + _ANSWERS] += 1
    state[at + _CREDIT] = min(credit, SCALE)
    state[at + _ANSWER] = state[at + _ANSWERS] != 0
    if state[at + _ANSWERS]:
        state[at + _ANSWERS] -= 1
    state[at + _TAKES_ADDRESS] = state[at + _COUNT] < BURSTS_IN_MEMORY
    state[at + _TAKES_BEAT] = state[at + _BEATS] < BURSTS_IN_MEMORY

    # The master.
    state[at + WRITTEN] = answer
    state[at + _UNDER_WAY] += int(sends) - answer
    if address_free:
        state[at + _ADDRESS] = sends
        state[at + _ADDRESS_BEATS] = state[at + _CHECKED_BEATS]
    ends = takes_it and state[at + _POSITION] + 1 == front(state, lengths)
    if takes_it:
        state[at + _POSITION] = 0 if ends else state[at + _POSITION] + 1
    if beat_free:
        state[at + _BEAT] = takes_it
    step_plain(state, lengths, sends, state[at + _CHECKED_BEATS], ends)
    moves = sends or not state[at + _CHECKED]
    if moves:
        state[at + _CHECKED] = state[at + _REQUESTS + VALID]
        state[at + _CHECKED_BEATS] = state[at + _REQUESTS + DATA]
    step_buffer(state, at + _REQUESTS, beats != 0, beats, moves)


def place_writes(places: Places, at: int) -> None:
    """Give the master at `at` and its memory their queues."""
    places.plain(at + _LENGTHS, AHEAD)
    places.constant(at + _TAKES_ADDRESS, 1)
    places.constant(at + _TAKES_BEAT, 1)
    places.constant(at + _CREDIT, SCALE)
    places.constant(at + _RING, places.take(BURSTS_IN_MEMORY))
