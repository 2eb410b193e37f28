"""When a row of the array does what: the recurrences behind the exact cycle count.

Every stage of a row passes items on in order, one per cycle at most, and holds a bounded number
of them. So the cycle in which an item enters a stage is the latest of a few earlier ones: that in
which it entered the stage before, and that in which an earlier item left this one. What follows
walks through the weights of a tile in order and keeps, for each stage, the last such cycles. The
names of the stages are those of `hw`.
"""

import numba
import numpy as np

from compiler.row_weights import RowWeights
from params import ArrayConfig
from params.timing import (
    CHANNELS_AHEAD,
    output_capacity,
    output_latency,
    requantization_released,
)

LONG_AGO = -(1 << 40)
"""The cycle of what has not happened and nothing waits for."""

# Places in the vector of a row's last events.
(
    _ADMITTED,  # a header was taken
    _QUEUED,  # its requantization reached the front of the drain's queue
    _RELEASED,  # the requantization at the front was taken
    _WALKED,  # a mask word left the run walker; from here on events of every pass
    _PREFETCHED,  # and the one before it left the register behind it
    _PREFETCHED_BEFORE,
    _PICKED,  # a position was picked from its mask word
    _NUMBERED,  # numbered
    _BUFFERED,  # buffered
    _JOINED,  # joined with its codes, those of the last turn
    _JOINED_BEFORE,
    _ISSUED,  # issued to the lanes
    _ISSUED_BEFORE,
    _ENDED,  # the last position of a pass was issued
    _HEADERS,  # number of headers ever taken
    _EVENTS,
) = range(16)

# Columns of the matrix of a row's weight buffers; buffer 0 has the masks, 1 + f filter f's codes.
(
    _WRITTEN,  # number of words ever written
    _WRITE,  # cycle of the last of these
    _FIRST,  # number of words released by the blocks before the present one
    _LENGTH_TAKEN,  # cycle in which the present block's length was taken
    _LENGTH_TAKEN_BEFORE,
    _IDLE,  # first cycle in which the next length may be taken
    _FETCHED,  # cycle of the last fetch
    _OFFERED,  # cycle in which the last word entered the output register
    _LEFT,  # cycle in which the word before it left that register
    _COLUMNS,
) = range(10)


class RowClock:
    """The cycles of one row, tile after tile, counted from the end of reset.

    The weight streams offer a word in every cycle and the output is taken in every cycle.
    """

    def __init__(self, weights: RowWeights, config: ArrayConfig):
        self._weights = weights
        # Dense filters have one mask in common.
        size = len(weights.masks), config.elements_per_lane
        self._masks = np.ascontiguousarray(np.broadcast_to(weights.masks, size))
        depths = [config.mask_depth] + [config.code_depth] * config.elements_per_lane
        self._depths = np.array(depths)
        # Passes end at least `drain_words` apart, and so never wait for room in the output FIFO.
        assert output_capacity(config) > config.drain_words + output_latency(config)
        self._latencies = np.array(
            [
                config.codes_per_word,
                max(config.drain_words, 2),
                config.drain_words,
                output_latency(config),
                requantization_released(config),
                config.turns,
            ]
        )
        self._events = np.full(_EVENTS, LONG_AGO)
        self._events[_HEADERS] = 0
        self._buffers = np.full((len(depths), _COLUMNS), LONG_AGO)
        self._buffers[:, [_WRITTEN, _WRITE, _FIRST]] = 0
        self._freed = np.full((len(depths), max(depths)), LONG_AGO)
        self._arrived = np.full((len(depths), max(depths)), LONG_AGO)
        self._queue = np.full(CHANNELS_AHEAD, LONG_AGO)

    def run(self, start: int, passes: int) -> int:
        """Compute a tile.

        Parameters
        ----------
        start : the cycle in which its command was taken.
        passes : of the tile.

        Returns
        -------
        The first cycle in which the row is done.
        """
        weights = self._weights
        last = _run_tile(
            start, passes, weights.groups, weights.code_words, self._masks,
            self._latencies, self._depths, self._events, self._buffers,
            self._freed, self._arrived, self._queue,
        )  # fmt: skip
        return int(last) + 1

    @property
    def settled(self) -> int:
        """The cycle of the last word that the weight buffers take ahead of the next tile.

        A tile whose command is taken later finds them full, as every such tile does.
        """
        _fill(self._depths, self._buffers, self._freed, self._arrived)
        return int(self._buffers[:, _WRITE].max())


@numba.njit(cache=True, nogil=True)
def _write(buffer, state, freed, arrived, depth):
    """A word enters a weight buffer."""
    slot = state[buffer, _WRITTEN] % depth
    cycle = max(state[buffer, _WRITE] + 1, freed[buffer, slot] + 1)
    arrived[buffer, slot] = cycle
    state[buffer, _WRITE] = cycle
    state[buffer, _WRITTEN] += 1


@numba.njit(cache=True, nogil=True)
def _fill(depths, state, freed, arrived):
    """The weight buffers take words ahead until they are full."""
    for buffer in range(len(depths)):
        while state[buffer, _WRITTEN] < state[buffer, _FIRST] + depths[buffer]:
            _write(buffer, state, freed, arrived, depths[buffer])


@numba.njit(cache=True, nogil=True)
def _take_length(buffer, state, admitted, length):
    """A weight buffer begins a block."""
    taken = max(admitted + 1, state[buffer, _LENGTH_TAKEN] + 1, state[buffer, _IDLE])
    state[buffer, _LENGTH_TAKEN_BEFORE] = state[buffer, _LENGTH_TAKEN]
    state[buffer, _LENGTH_TAKEN] = taken
    if length == 0:
        state[buffer, _IDLE] = taken + 1


@numba.njit(cache=True, nogil=True)
def _fetch(buffer, state, freed, arrived, depth, word):
    """A word goes to the output register of a weight buffer; the cycle in which it enters.

    The last pass over a block releases its words; until then nobody asks when they were.
    """
    number = state[buffer, _FIRST] + word
    while state[buffer, _WRITTEN] <= number:
        _write(buffer, state, freed, arrived, depth)
    slot = number % depth
    fetched = max(
        max(state[buffer, _LENGTH_TAKEN], state[buffer, _FETCHED], arrived[buffer, slot]) + 1,
        state[buffer, _OFFERED],
    )
    state[buffer, _FETCHED] = fetched
    state[buffer, _IDLE] = fetched
    freed[buffer, slot] = fetched
    offered = max(fetched + 1, state[buffer, _LEFT])
    state[buffer, _OFFERED] = offered
    return offered


@numba.njit(cache=True, nogil=True)
def _remember(events, state, ready, ready_before, dropped, code_words, before):
    """Keep what the next pass depends on; by how much all of it is later than before, or -1.

    A pass depends on when the last one did what, and on nothing else: all words have arrived, and
    their block's length was taken, before the first pass ended. Every event is the latest of
    others plus a constant, so a pass that finds all of them `shift` later does all `shift` later.
    """
    shift = events[_ENDED] - before[0]
    same = True
    place = 0
    for event in range(_ENDED, _WALKED - 1, -1):
        same &= events[event] - before[place] == shift
        before[place] = events[event]
        place += 1
    for buffer in range(len(state)):
        used = buffer == 0 or code_words[buffer - 1] > 0
        for column in (_FETCHED, _OFFERED, _LEFT):
            same &= not used or state[buffer, column] - before[place] == shift
            before[place] = state[buffer, column]
            place += 1
    for f in range(len(ready)):
        used = code_words[f] > 0
        same &= not used or ready[f] - before[place] == shift
        same &= not used or ready_before[f] - before[place + 1] == shift
        same &= not used or dropped[f] - before[place + 2] == shift
        before[place : place + 3] = ready[f], ready_before[f], dropped[f]
        place += 3
    return shift if same else -1


@numba.njit(cache=True, nogil=True)
def _postpone(buffer, cycles, state, freed, depth, words):
    """What a weight buffer did in its last pass over a block of `words` happens later."""
    for column in (_IDLE, _FETCHED, _OFFERED, _LEFT):
        state[buffer, column] += cycles
    for word in range(words):
        freed[buffer, (state[buffer, _FIRST] + word) % depth] += cycles


@numba.njit(cache=True, nogil=True)
def _run_tile(
    start, passes, groups, code_words, masks, latencies, depths,
    events, state, freed, arrived, queue,
):  # fmt: skip
    codes_per_word, between_ends, drain_words, to_output, to_release, turns = latencies
    streams = code_words.shape[1]
    ahead = len(queue)
    admitting = start + 2
    next_mask = 0
    next_word = np.zeros(streams, np.int64)
    taken = np.zeros(streams, np.int64)  # codes taken from the word at hand
    ready = np.full(streams, LONG_AGO, np.int64)  # when the word at hand came
    ready_before = np.full(streams, LONG_AGO, np.int64)  # and the one before
    dropped = np.full(streams, LONG_AGO, np.int64)  # when the one before was used up
    before = np.zeros(_ENDED + 1 - _WALKED + 3 * len(depths) + 3 * streams, np.int64)
    last_output = start
    for group in range(len(groups)):
        admitted = max(
            admitting,
            events[_ADMITTED] + 2,
            queue[(events[_HEADERS] + 1) % ahead] + 2,
        )
        for buffer in range(1 + streams):
            admitted = max(admitted, state[buffer, _LENGTH_TAKEN_BEFORE] + 2)
        events[_ADMITTED] = admitted
        events[_QUEUED] = max(admitted + 1, events[_QUEUED] + 1, events[_RELEASED])
        queue[events[_HEADERS] % ahead] = events[_QUEUED]
        events[_HEADERS] += 1
        _take_length(0, state, admitted, groups[group])
        for f in range(streams):
            _take_length(1 + f, state, admitted, code_words[group, f])

        for number in range(passes):
            next_word[:] = 0
            walked, prefetched = events[_WALKED], events[_PREFETCHED]
            picked, numbered, buffered = events[_PICKED], events[_NUMBERED], events[_BUFFERED]
            joined, joined_before = events[_JOINED], events[_JOINED_BEFORE]
            issued, issued_before = events[_ISSUED], events[_ISSUED_BEFORE]
            prefetched_before = events[_PREFETCHED_BEFORE]
            for word in range(groups[group]):
                last_word = word == groups[group] - 1
                union = np.uint64(0)
                for f in range(streams):
                    union |= masks[next_mask + word, f]
                offered = _fetch(0, state, freed, arrived, depths[0], word)
                entered = max(offered + 1, walked)
                state[0, _LEFT] = entered
                if union == 0 and not last_word:
                    continue
                walked = max(entered + 1, prefetched_before + 1)
                prefetched_before = prefetched
                prefetched = max(walked + 1, prefetched + 1, picked)
                picked = prefetched
                while True:
                    bit = union & (~union + np.uint64(1))
                    union ^= bit
                    last = last_word and union == 0
                    picked = max(picked + 1, numbered)
                    numbered = max(picked + 1, buffered)
                    buffered = max(numbered + 1, joined_before + 1)
                    joined_before = joined
                    for turn in range(turns):
                        joined = max(buffered + 1, joined + 1, issued_before + 1)
                        for f in range(streams):
                            if masks[next_mask + word, f] & bit and taken[f] == 0:
                                offered = _fetch(
                                    1 + f, state, freed, arrived, depths[1 + f], next_word[f]
                                )
                                next_word[f] += 1
                                kept = max(offered + 1, ready_before[f] + 1)
                                state[1 + f, _LEFT] = kept
                                ready_before[f] = ready[f]
                                ready[f] = max(kept + 1, dropped[f])
                                joined = max(joined, ready[f] + 1)
                        last_turn = turn == turns - 1
                        for f in range(streams):
                            if masks[next_mask + word, f] & bit:
                                taken[f] += 1
                            if taken[f] == codes_per_word or (last and last_turn and taken[f]):
                                taken[f] = 0
                                dropped[f] = joined
                        issued_before = issued
                        issued = joined + 1
                        if last and turn == 0:
                            issued = max(issued, events[_ENDED] + between_ends)
                        if turns > 1:
                            # A step waits for the place of its filter's accumulator to come round.
                            issued += (turn - issued) % turns
                    if union == 0:
                        break
            events[_ENDED] = issued
            events[_WALKED], events[_PREFETCHED] = walked, prefetched
            events[_PICKED], events[_NUMBERED], events[_BUFFERED] = picked, numbered, buffered
            events[_JOINED], events[_JOINED_BEFORE] = joined, joined_before
            events[_ISSUED], events[_ISSUED_BEFORE] = issued, issued_before
            events[_PREFETCHED_BEFORE] = prefetched_before
            shift = _remember(
                events, state, ready, ready_before, dropped, code_words[group], before
            )
            if number and shift >= 0 and shift % turns == 0:
                # Each of the passes left is a copy of this one, `shift` cycles after the last.
                later = shift * (passes - 1 - number)
                events[_WALKED : _ENDED + 1] += later
                _postpone(0, later, state, freed, depths[0], groups[group])
                for f in range(streams):
                    if code_words[group, f]:
                        _postpone(1 + f, later, state, freed, depths[1 + f], code_words[group, f])
                        ready[f] += later
                        ready_before[f] += later
                        dropped[f] += later
                break
        events[_RELEASED] = events[_ENDED] + to_release
        last_output = events[_ENDED] + to_output + drain_words - 1
        next_mask += groups[group]
        state[0, _FIRST] += groups[group]
        for f in range(streams):
            state[1 + f, _FIRST] += code_words[group, f]
    return last_output
