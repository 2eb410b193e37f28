"""A scatterer in a cycle."""

from compiler.system.clocks.compiled import inner
from compiler.system.clocks.pieces import (
    ASKS,
    BURSTS,
    CUT,
    CUT_BEAT,
    CUT_BEATS,
    CUTTER,
    HAS_BEAT,
    MARKS,
    SPLITTER,
    WORD_ENDS,
    burst_beats,
    cutter_busy,
    cutter_takes,
    splitter_takes,
    step_cutter,
    step_splitter,
)
from compiler.system.clocks.queues import MEMORY_QUEUE, OFFERED, Places, step_memory_queue

OUTSTANDING = 255
"""Bursts that memory has been asked to write and has not confirmed."""

BEATS_UNDER_WAY = 16
"""Beats between a cut and memory."""

# A `Scatterer`: its cut on the way to a beat, the registers behind it as bits of a number, and the
# beats that there is room for; then the blocks in front of them, and the beats on offer.
(
    _AIMED, _MARKS, _BEAT, _BEATS, _ASKED, _OWED, _UNCONFIRMED, _VALID, _STAGES, _ROOM, _TAKEN,
    _MAY_GO,
) = range(12)  # fmt: skip
_CUTTER = 12
_SPLITTER = _CUTTER + CUTTER
_OFFERS = _SPLITTER + SPLITTER
SCATTERER = _OFFERS + MEMORY_QUEUE


@inner
def offers_beat(state, at):
    """Whether a beat is on offer."""
    return state[at + _OFFERS + OFFERED]


@inner
def scatterer_asks(state, at, burst):
    """Beats of the burst that is asked for, 0 for none."""
    if not state[at + _SPLITTER + BURSTS] or state[at + _UNCONFIRMED] == OUTSTANDING:
        return 0
    return burst_beats(state, at + _SPLITTER, burst)


@inner
def scatterer_busy(state, at):
    """Whether a piece is taken that memory has not confirmed."""
    return (
        cutter_busy(state, at + _CUTTER)
        or state[at + _AIMED]
        or state[at + _ROOM] != BEATS_UNDER_WAY
        or state[at + _OWED]
        or state[at + _UNCONFIRMED]
    ) != 0


@inner
def _fires(state, at, word):
    """Whether the aimed cut goes on."""
    if not (state[at + _AIMED] and word and state[at + _MAY_GO]):
        return False
    return (
        not state[at + _MARKS] & ASKS
        or state[at + _ASKED] != 0
        or splitter_takes(state, at + _SPLITTER)
    )


@inner
def takes_word(state, at, word):
    """Whether the word on offer is taken: its last piece is sent."""
    return state[at + _MARKS] & WORD_ENDS != 0 and _fires(state, at, word)


@inner
def scatterer_takes(state, at):
    """Whether a piece is taken."""
    return cutter_takes(state, at + _CUTTER)


@inner
def step_scatterer(
    state, commands, at, bus_bytes, byte_bits, burst, word, beat_taken, granted, written, given,
    table,
):  # fmt: skip
    """A `Scatterer` with a `word` on offer, whose beat and burst are taken or not."""
    fires = _fires(state, at, word)
    marks = state[at + _MARKS]
    asks = (
        state[at + _AIMED] != 0 and word and marks & ASKS != 0 and not state[at + _ASKED]
        and splitter_takes(state, at + _SPLITTER)
    )  # fmt: skip
    beat = state[at + _VALID] >> (state[at + _STAGES] - 1) & 1
    taken = beat_taken and state[at + _OFFERS + OFFERED] != 0
    step_memory_queue(state, at + _OFFERS, beat, 0, beat_taken)
    aims = not state[at + _AIMED] or fires
    if granted:
        state[at + _OWED] -= burst_beats(state, at + _SPLITTER, burst)
    if asks:
        state[at + _OWED] += state[at + _BEATS]
    state[at + _UNCONFIRMED] += int(granted) - int(written)
    state[at + _ASKED] = (state[at + _ASKED] != 0 or asks) and not fires
    new = fires and marks & HAS_BEAT != 0
    state[at + _VALID] = (state[at + _VALID] << 1 | new) & ((1 << state[at + _STAGES]) - 1)
    state[at + _MAY_GO] = state[at + _ROOM] > 1
    state[at + _ROOM] += state[at + _TAKEN] - int(new)
    state[at + _TAKEN] = taken
    step_splitter(
        state, at + _SPLITTER, burst, granted, asks, state[at + _BEAT], state[at + _BEATS]
    )
    cut = at + _CUTTER
    if aims:
        state[at + _AIMED] = state[cut + CUT]
        state[at + _MARKS] = state[cut + MARKS]
        state[at + _BEAT] = state[cut + CUT_BEAT]
        state[at + _BEATS] = state[cut + CUT_BEATS]
    step_cutter(state, commands, cut, bus_bytes, byte_bits, aims, given, table)


def place_scatterer(places: Places, at: int, *, byte_bits: int) -> None:
    """Give the scatterer at `at` its number of registers, and room for its beats."""
    places.constant(at + _STAGES, 2 + -(-byte_bits // 2))
    places.constant(at + _ROOM, BEATS_UNDER_WAY)
    places.constant(at + _MAY_GO, 1)
    places.memory_queue(at + _OFFERS, BEATS_UNDER_WAY - 1)
