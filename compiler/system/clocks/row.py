"""A row of the array in a cycle."""

from compiler.system.clocks.buffer import (
    ENDS,
    OFFERED,
    OFFERS,
    REPLAY,
    place_replay,
    step_replay,
    takes_length,
    takes_word,
)
from compiler.system.clocks.compiled import inner
from compiler.system.clocks.feed import HEADERS, MASKS
from compiler.system.clocks.queues import (
    BUFFER,
    DATA,
    FIFO,
    READY,
    SPARE,
    VALID,
    Places,
    has_room,
    step_buffer,
    step_level,
)
from compiler.system.clocks.weights import CODE_LENGTHS, END, LENGTHS
from params import ArrayConfig
from params.timing import (
    CHANNELS_AHEAD,
    FIFO_READ_LATENCY,
    output_capacity,
    output_latency,
    requantization_released,
    residual_capacity,
)

PASSES_ON_THEIR_WAY = 64
"""More passes than may have ended and not left the row."""

# What a row does: the tile's groups, the pass under way.
(
    _ADMITTING, _PENDING, _ENDED, _PASSES, _ADDS, _MAY_END, _ROOM, _WAIT, _CAPACITY,
    _RESIDUAL_WORDS, ISSUED, HELD_UP, _MAY_ADMIT, _OUTPUT,
) = range(14)  # fmt: skip
# The decoder: a mask word and its bits to come, a picked one, a numbered one. What a bit's filters
# are, and whether it ends the pass, is one number.
(
    _MASK, _BITS, _BUSY, _MASK_ENDS, _PICKED, _PICKED_BIT, _NUMBERED, _NUMBERED_BIT, _WALKED,
    _WALKED_MASK,
) = range(14, 24)  # fmt: skip
# Passes that have ended, as cycles, and where each of those that follow them is.
(
    _PASSES_ENDED, _RELEASE, _RELEASE_LEFT, _ADD, _ADD_LEFT, _EMIT, _EMIT_LEFT, _ENDS, _RELEASES,
) = range(24, 33)  # fmt: skip
_STEPS = 33
_POSITIONS = _STEPS + BUFFER
_PREFETCH = _POSITIONS + BUFFER
_EPILOGUES = _PREFETCH + BUFFER
_OUTPUTS = _EPILOGUES + FIFO
_RESIDUALS = _OUTPUTS + FIFO
_MASKS = _RESIDUALS + FIFO
_CODES = _MASKS + REPLAY
# Of a code stream: its buffer, the register behind it, and the unpacker.
_WORDS = REPLAY
_UNPACKED = _WORDS + BUFFER
_TAKEN = _UNPACKED + 1
_CODE = _TAKEN + 1

# The timing of a row.
STREAMS, CODES_PER_WORD, DRAIN_WORDS, TO_RELEASE, TO_OUTPUT, TIMING = range(6)

LAST_BIT = 1 << 16

BY_RESIDUALS, BY_STORE = 1, 2
"""What the end of a pass waits for: what is added to its outputs, or room for them."""


def row_size(streams: int) -> int:
    """Places of the state that a row takes."""
    return _CODES + streams * _CODE


def row_timing(config: ArrayConfig) -> list[int]:
    """What `step_row` must know of the array."""
    released = requantization_released(config)
    to_output = output_latency(config) - FIFO_READ_LATENCY
    return [
        config.elements_per_lane, config.codes_per_word, config.drain_words, released, to_output,
    ]  # fmt: skip


@inner
def offers_output(state, at):
    """Whether an output word is on offer."""
    return state[at + _OUTPUT] != 0


@inner
def takes_residual(state, at):
    """Whether a word of residuals is taken."""
    return has_room(state, at + _RESIDUALS)


@inner
def row_done(state, at):
    """Whether nothing of a tile is under way."""
    return (
        not state[at + _ADMITTING]
        and state[at + _PENDING] == 0
        and state[at + _ROOM] == state[at + _CAPACITY]
    )


@inner
def _bit(masks, mask, bit, streams, last):
    """The filters that take a step at the lowest bit of a mask word, and whether it is the last."""
    found = LAST_BIT if last else 0
    for f in range(streams):
        if masks[mask, f] & bit:
            found |= 1 << f
    return found


@inner
def _step_drain(state, at, now, timing, ends, finished, issues_added, output_taken, residual):
    """The end of the row: what follows the end of each pass."""
    words = timing[DRAIN_WORDS]
    taken = output_taken and state[at + _OUTPUT] != 0
    enough = not state[at + _ADDS] or state[at + _RESIDUAL_WORDS] >= words
    state[at + _MAY_END] = (
        not ends and state[at + _ROOM] >= words and state[at + _WAIT] == 0 and enough
    )
    state[at + _ROOM] += int(taken) - (words if ends else 0)
    state[at + _RESIDUAL_WORDS] += int(residual) - (words if ends and state[at + _ADDS] else 0)
    if ends:
        state[at + _WAIT] = max(words - 2, 0)
    elif state[at + _WAIT]:
        state[at + _WAIT] -= 1

    count = state[at + _PASSES_ENDED]
    if ends:
        slot = count % PASSES_ON_THEIR_WAY
        state[state[at + _ENDS] + slot] = now
        state[state[at + _RELEASES] + slot] = finished
        state[at + _PASSES_ENDED] = count + 1
    # The requantization of a filter group's last pass leaves the queue.
    released = False
    passed = state[at + _RELEASE]
    if passed < count:
        slot = passed % PASSES_ON_THEIR_WAY
        if state[state[at + _ENDS] + slot] + timing[TO_RELEASE] == now:
            released = state[state[at + _RELEASES] + slot] != 0
            state[at + _RELEASE] = passed + 1
    step_level(state, at + _EPILOGUES, issues_added, released)
    # A word of residuals is taken for each word that is drained.
    passed = state[at + _ADD]
    if passed < count:
        slot = passed % PASSES_ON_THEIR_WAY
        if state[state[at + _ENDS] + slot] + timing[TO_RELEASE] == now:
            state[at + _ADD_LEFT] = words if state[at + _ADDS] else 0
            state[at + _ADD] = passed + 1
    added = state[at + _ADD_LEFT] != 0
    if added:
        state[at + _ADD_LEFT] -= 1
    if residual or added or state[at + _RESIDUALS + READY] != 1:
        step_level(state, at + _RESIDUALS, residual, added)
    passed = state[at + _EMIT]
    if passed < count:
        slot = passed % PASSES_ON_THEIR_WAY
        if state[state[at + _ENDS] + slot] + timing[TO_OUTPUT] == now:
            state[at + _EMIT_LEFT] = words
            state[at + _EMIT] = passed + 1
    emitted = state[at + _EMIT_LEFT] != 0
    if emitted:
        state[at + _EMIT_LEFT] -= 1
    free = taken or not state[at + _OUTPUT]
    if free:
        state[at + _OUTPUT] = state[at + _OUTPUTS + READY]
    step_level(state, at + _OUTPUTS, emitted, free)


@inner
def step_row(
    state, at, now, timing, masks, unions, groups, start, write, waiting, word,
    output_taken, residual,
):  # fmt: skip
    """A row for which weights are `waiting`, `word` of stream `waiting`; whether it takes them.

    A tile may `start`, the slot of the step be taken by a `write`, an output be taken, and a word
    of `residual`s come that there is room for.
    """
    streams = timing[STREAMS]
    # The last step that is ready goes to the lanes.
    steps = at + _STEPS
    last_step = state[steps + DATA] != 0
    blocked = state[steps + VALID] != 0 and last_step and not state[at + _MAY_END]
    issue = state[steps + VALID] != 0 and not write and not blocked
    ready = not write and (not last_step or state[at + _MAY_END] != 0)
    ends = issue and last_step
    finished = ends and state[at + _ENDED] == state[at + _PASSES] - 1
    state[at + ISSUED] = issue
    state[at + HELD_UP] = 0
    if blocked and state[at + _ROOM] < timing[DRAIN_WORDS]:
        state[at + HELD_UP] = BY_STORE
    elif blocked and state[at + _ADDS] and state[at + _RESIDUAL_WORDS] < timing[DRAIN_WORDS]:
        state[at + HELD_UP] = BY_RESIDUALS

    # A header is admitted, and the lengths of its blocks with it.
    lengths_free = takes_length(state, at + _MASKS)
    for f in range(streams):
        lengths_free = lengths_free and takes_length(state, at + _CODES + f * _CODE)
    admitted = waiting == HEADERS and state[at + _MAY_ADMIT] != 0
    state[at + _MAY_ADMIT] = (
        (start or state[at + _ADMITTING] != 0) and not admitted and lengths_free
        and has_room(state, at + _EPILOGUES)
    )  # fmt: skip
    took = admitted

    # A position is joined with its codes.
    position = state[at + _POSITIONS + DATA]
    complete = state[at + _POSITIONS + VALID] != 0
    for f in range(streams):
        if position >> f & 1 and not state[at + _CODES + f * _CODE + _UNPACKED]:
            complete = False
    go = complete and not state[steps + SPARE]
    flush = go and position & LAST_BIT != 0
    step_buffer(state, steps, complete, 1 if position & LAST_BIT else 0, ready)

    for f in range(streams):
        code = at + _CODES + f * _CODE
        unpacked = state[code + _UNPACKED] != 0
        take = go and position >> f & 1 != 0
        count = state[code + _TAKEN] + take
        drop = (take and count == timing[CODES_PER_WORD]) or (flush and count != 0)
        free = not unpacked or drop
        state[code + _TAKEN] = 0 if drop else count
        words = code + _WORDS
        stored_free = not state[words + SPARE]
        if free:
            state[code + _UNPACKED] = state[words + VALID]
        comes = waiting == MASKS + 1 + f and takes_word(state, code)
        took = took or comes
        offered = state[code + OFFERS] != 0
        if offered or state[words + VALID]:
            step_buffer(state, words, offered, 0, free)
        length = groups[word, CODE_LENGTHS + f] if admitted else 0
        step_replay(state, code, state[at + _PASSES], comes, 0, stored_free, admitted, length)

    # The mask decoder, from its end on.
    positions = at + _POSITIONS
    numbered_free = not state[at + _NUMBERED] or not state[positions + SPARE]
    step_buffer(state, positions, state[at + _NUMBERED] != 0, state[at + _NUMBERED_BIT], go)
    picked_free = numbered_free or not state[at + _PICKED]
    if numbered_free:
        state[at + _NUMBERED] = state[at + _PICKED]
        state[at + _NUMBERED_BIT] = state[at + _PICKED_BIT]
    bits = state[at + _BITS]
    only = bits & (bits - 1) == 0
    mask_free = not state[at + _BUSY] or (picked_free and only)
    if picked_free:
        state[at + _PICKED] = state[at + _BUSY]
        if state[at + _BUSY]:
            last = only and state[at + _MASK_ENDS] != 0
            state[at + _PICKED_BIT] = _bit(masks, state[at + _MASK], bits & -bits, streams, last)
            state[at + _BITS] = bits & (bits - 1)
    prefetch = at + _PREFETCH
    if mask_free:
        state[at + _BUSY] = state[prefetch + VALID]
        mask = state[prefetch + DATA] >> 1
        if state[prefetch + VALID]:
            state[at + _MASK] = mask
            state[at + _BITS] = unions[mask]
            state[at + _MASK_ENDS] = state[prefetch + DATA] & 1
    walked_free = not state[at + _WALKED] or not state[prefetch + SPARE]
    if state[prefetch + VALID] or state[at + _WALKED]:
        step_buffer(state, prefetch, state[at + _WALKED] != 0, state[at + _WALKED_MASK], mask_free)
    stored = at + _MASKS
    if walked_free:
        mask, mask_ends = state[stored + OFFERED], state[stored + ENDS]
        state[at + _WALKED] = state[stored + OFFERS] != 0 and (mask_ends != 0 or unions[mask] != 0)
        state[at + _WALKED_MASK] = mask << 1 | mask_ends
    comes = waiting == MASKS and takes_word(state, stored)
    took = took or comes
    length = groups[word, LENGTHS] if admitted else 0
    step_replay(state, stored, state[at + _PASSES], comes, word, walked_free, admitted, length)

    _step_drain(state, at, now, timing, ends, finished, admitted, output_taken, residual)
    state[at + _PENDING] += int(admitted) - int(finished)
    if ends:
        state[at + _ENDED] = 0 if finished else state[at + _ENDED] + 1
    if start:
        state[at + _ADMITTING] = 1
    elif admitted and groups[word, END]:
        state[at + _ADMITTING] = 0
    return took


@inner
def set_tile(state, at, passes, adds):
    """The tile that all rows are told of."""
    state[at + _PASSES] = passes
    state[at + _ADDS] = adds


def place_row(places: Places, at: int, config: ArrayConfig) -> None:
    """Give the row at `at` its buffers."""
    capacity = output_capacity(config)
    places.constant(at + _CAPACITY, capacity)
    places.constant(at + _ROOM, capacity)
    places.constant(at + _ENDS, places.take(PASSES_ON_THEIR_WAY))
    places.constant(at + _RELEASES, places.take(PASSES_ON_THEIR_WAY))
    places.fifo(at + _EPILOGUES, CHANNELS_AHEAD)
    places.fifo(at + _OUTPUTS, capacity)
    places.fifo(at + _RESIDUALS, residual_capacity(config))
    place_replay(places, at + _MASKS, config.mask_depth)
    for f in range(config.elements_per_lane):
        place_replay(places, at + _CODES + f * _CODE, config.code_depth)
