"""A gatherer in a cycle."""

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
    cutter_takes,
    splitter_takes,
    step_cutter,
    step_splitter,
)
from compiler.system.clocks.queues import (
    BUFFER,
    DATA,
    MEMORY_QUEUE,
    NOT_FULL,
    OFFER,
    OFFERED,
    SPARE,
    VALID,
    Places,
    step_buffer,
    step_memory_queue,
)

# A `Gatherer`: the registers between the beats and the word, as bits of two numbers, the first
# register lowest; then the blocks in front of them.
(
    WORD, _VALID, _LAST, _STAGES, _BEATS_ROOM, _RETURNED, _EXPECTED, _EXPECTED_MARKS,
) = range(8)  # fmt: skip
_CUTTER = 8
_SPLITTER = _CUTTER + CUTTER
_REQUESTS = _SPLITTER + SPLITTER
_CUTS = _REQUESTS + BUFFER
_BEATS = _CUTS + MEMORY_QUEUE
GATHERER = _BEATS + MEMORY_QUEUE


@inner
def gatherer_asks(state, at):
    """Beats of the burst that is asked for, 0 for none."""
    return state[at + _REQUESTS + DATA] if state[at + _REQUESTS + VALID] else 0


@inner
def gatherer_takes(state, at):
    """Whether a gatherer takes a piece."""
    return cutter_takes(state, at + _CUTTER)


@inner
def step_gatherer(
    state, commands, at, bus_bytes, byte_bits, burst, taken, arrives, granted, given, table
):
    """A `Gatherer` whose word is `taken`, where it has one, and that is `given` a piece or not.

    Its burst is `granted` where it asks for one.
    """
    valid, stages = state[at + _VALID], state[at + _STAGES]
    end = valid >> (stages - 1) & 1
    full = state[at + WORD]
    advance = taken or not (end and full)
    marks = state[at + _EXPECTED_MARKS]
    has_beat = marks & HAS_BEAT != 0
    there = state[at + _BEATS + OFFERED] != 0 or not has_beat
    moves = there and advance
    take = state[at + _EXPECTED] != 0 and moves

    if advance:
        word_ends = end and state[at + _LAST] >> (stages - 1) & 1
        kept = (1 << stages) - 1
        state[at + _VALID] = (valid << 1 | take) & kept
        state[at + _LAST] = (state[at + _LAST] << 1 | (marks & WORD_ENDS)) & kept
        state[at + WORD] = word_ends or (full and not taken)
    else:
        state[at + WORD] = full and not taken

    beats = burst_beats(state, at + _SPLITTER, burst)
    asked = (
        state[at + _SPLITTER + BURSTS] != 0
        and not state[at + _REQUESTS + SPARE]
        and beats <= state[at + _BEATS_ROOM]
    )
    step_buffer(state, at + _REQUESTS, asked, beats, granted)
    state[at + _BEATS_ROOM] += state[at + _RETURNED] - (beats if asked else 0)
    state[at + _RETURNED] = take and has_beat

    cut = at + _CUTTER
    offered = state[cut + CUT]
    asks = state[cut + MARKS] & ASKS
    may_ask = not asks or splitter_takes(state, at + _SPLITTER)
    has_room = state[at + _CUTS + NOT_FULL]
    new = state[cut + MARKS]
    step_splitter(
        state, at + _SPLITTER, burst, asked, offered and asks and has_room,
        state[cut + CUT_BEAT], state[cut + CUT_BEATS],
    )  # fmt: skip
    step_cutter(state, commands, cut, bus_bytes, byte_bits, has_room and may_ask, given, table)

    wants = state[at + _EXPECTED] == 0 or moves
    wants_beat = take and has_beat
    if wants:
        state[at + _EXPECTED] = state[at + _CUTS + OFFERED]
        state[at + _EXPECTED_MARKS] = state[at + _CUTS + OFFER]
    step_memory_queue(state, at + _CUTS, offered and may_ask, new, wants)
    step_memory_queue(state, at + _BEATS, arrives, 0, wants_beat)


def place_gatherer(places: Places, at: int, *, byte_bits: int, buffered_beats: int) -> None:
    """Give the gatherer at `at` its queues."""
    # A register behind the queue, one for each pair of levels, and the lanes' enables.
    places.constant(at + _STAGES, 2 + (byte_bits + 2) // 2 - 1)
    places.constant(at + _BEATS_ROOM, buffered_beats)
    places.memory_queue(at + _CUTS, buffered_beats)
    places.memory_queue(at + _BEATS, buffered_beats)
