"""Where a row's outputs belong, and turns between rows, in a cycle."""

from compiler.system.clocks.compiled import inner
from compiler.system.clocks.queues import OUT, READY
from compiler.system.clocks.weights import CODE_LENGTHS, END, MISSING

# A `PlaceWalker`.
WALKS, _NUMBER, _PASSED, WALKER = range(4)


@inner
def has_place(state, at, channels):
    """Whether the place of a word is known; `channels` is the row's queue of them."""
    return state[at + WALKS] != 0 and state[channels + READY] != 0


@inner
def is_missing(state, groups, at, channels):
    """Whether the word is of a filter that is missing."""
    return groups[state[channels + OUT], MISSING] >> state[at + _NUMBER] & 1 != 0


@inner
def place(state, groups, at, channels, filters):
    """The byte of the word's channel in the map."""
    return groups[state[channels + OUT], CODE_LENGTHS + filters + state[at + _NUMBER]]


@inner
def stays(state, groups, at, channels, filters):
    """Whether another word of the same pass follows."""
    present = ~groups[state[channels + OUT], MISSING] & ((1 << filters) - 1)
    return present >> (state[at + _NUMBER] + 1) != 0


@inner
def walk(state, groups, at, channels, filters, passes, moves, starts):
    """A `PlaceWalker` whose word is taken if it `moves`; whether the group's channels are."""
    done = False
    if moves:
        state[at + _NUMBER] += 1
        if state[at + _NUMBER] == filters:
            state[at + _NUMBER] = 0
            state[at + _PASSED] += 1
            if state[at + _PASSED] == passes:
                state[at + _PASSED] = 0
                done = True
                if groups[state[channels + OUT], END]:
                    state[at + WALKS] = 0
    if starts:
        state[at + WALKS] = 1
        state[at + _NUMBER] = 0
        state[at + _PASSED] = 0
    return done
