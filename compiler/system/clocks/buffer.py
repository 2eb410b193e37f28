"""A replay buffer of a row's weights in a cycle."""

from compiler.system.clocks.compiled import inner
from compiler.system.clocks.queues import BUFFER, DATA, SPARE, VALID, Places, step_buffer

# A `ReplayBuffer`: its words, the present block, the word that is read and the one on offer; then
# the lengths of the next blocks.
(
    _AHEAD, _HELD, _READ, _START, _WRITE, _LENGTH, _REMAINING, _PASSES_LEFT, _BUSY, _FETCHED,
    _FETCHED_LAST, _FETCHED_WORD, OFFERS, ENDS, OFFERED, _DEPTH, _RING,
) = range(17)  # fmt: skip
_LENGTHS = 17
REPLAY = _LENGTHS + BUFFER


@inner
def takes_word(state, at):
    """Whether the buffer takes a word."""
    return state[at + _HELD] != state[at + _DEPTH]


@inner
def takes_length(state, at):
    """Whether the length of a block is taken."""
    return not state[at + _LENGTHS + SPARE]


@inner
def step_replay(state, at, passes, comes, word, taken, announced, length):
    """A buffer to which a word `comes` that it takes, whose word is `taken` or not.

    The length of a block is `announced` or not.
    """
    if (
        not taken and not comes and not announced
        and state[at + OFFERS] and state[at + _FETCHED] and state[at + _BUSY]
    ):  # fmt: skip
        return
    moves = taken or not state[at + OFFERS]
    reads = moves or not state[at + _FETCHED]
    fetch = state[at + _BUSY] != 0 and state[at + _AHEAD] != 0 and reads
    last = state[at + _REMAINING] == 1
    final = state[at + _PASSES_LEFT] == 1
    lengths = at + _LENGTHS
    next_block = not state[at + _BUSY] or (fetch and last and final)
    if not (
        comes or fetch or announced or state[at + _FETCHED] or state[at + OFFERS]
        or state[lengths + VALID]
    ):  # fmt: skip
        return
    if moves:
        state[at + OFFERS] = state[at + _FETCHED]
        state[at + ENDS] = state[at + _FETCHED_LAST]
        state[at + OFFERED] = state[at + _FETCHED_WORD]
    if reads:
        state[at + _FETCHED] = fetch
        state[at + _FETCHED_LAST] = last
    depth = state[at + _DEPTH]
    if comes:
        place = state[at + _WRITE]
        state[state[at + _RING] + place] = word
        place += 1
        state[at + _WRITE] = 0 if place == depth else place
        state[at + _AHEAD] += 1
        state[at + _HELD] += 1
    if fetch:
        place = state[at + _READ]
        state[at + _FETCHED_WORD] = state[state[at + _RING] + place]
        place += 1
        state[at + _READ] = 0 if place == depth else place
        state[at + _AHEAD] -= 1
        state[at + _REMAINING] -= 1
        if final:
            state[at + _HELD] -= 1
        elif last:
            state[at + _READ] = state[at + _START]
            state[at + _REMAINING] = state[at + _LENGTH]
            state[at + _AHEAD] += state[at + _LENGTH]
            state[at + _PASSES_LEFT] -= 1
    if next_block:
        new = state[lengths + DATA]
        state[at + _BUSY] = state[lengths + VALID] != 0 and new != 0
        state[at + _LENGTH] = new
        state[at + _REMAINING] = new
        state[at + _PASSES_LEFT] = passes
        state[at + _START] = state[at + _READ]
    step_buffer(state, lengths, announced, length, next_block)


def place_replay(places: Places, at: int, depth: int) -> None:
    """Give the buffer at `at` its `depth` words."""
    places.constant(at + _DEPTH, depth)
    places.constant(at + _RING, places.take(depth))
