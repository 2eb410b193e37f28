"""A row's weight feeder, and the fork of its channels, in a cycle."""

from compiler.system.clocks.commands import ADDRESS, ADDS, REPEAT, UNITS
from compiler.system.clocks.compiled import inner
from compiler.system.clocks.pieces import (
    BURSTS,
    SPLITTER,
    burst_beats,
    splitter_takes,
    step_splitter,
)
from compiler.system.clocks.queues import (
    BUFFER,
    COUNT,
    DATA,
    FIFO,
    OUT,
    PLAIN,
    READY,
    SPARE,
    VALID,
    Places,
    front,
    has_room,
    step_buffer,
    step_fifo,
    step_level,
    step_plain,
    takes,
)
from compiler.system.clocks.weights import END, FIRST_GROUP, FIRST_MASK, FIRST_PACKET, PACKETS
from params.system import UNIT_BYTES

COMMANDS_AHEAD = 4
"""Commands whose beats may be on their way while the units of an earlier one are taken apart."""

CHANNELS_AHEAD = 16
"""Filter groups of a row whose places wait."""

FORKED_AHEAD = 8
"""Weight commands whose groups have not all come."""

HEADERS, CHANNELS, MASKS, NO_STREAM = 0, 1, 2, -1

# The feeder: what it asks for, the beats it has room for.
_ASKING, _REPEATS, _BEAT, _BEATS, _ROOM, _RETURNED = range(6)
_SPLITTER = 6
_REQUESTS = _SPLITTER + SPLITTER
_FIFO = _REQUESTS + BUFFER
_AHEAD = _FIFO + FIFO
# The cutter of units.
_BUSY, _LEFT, _UNITS, _TIMES, _HELD, _REST = range(_AHEAD + PLAIN, _AHEAD + PLAIN + 6)
_CUT = _REST + 1
# The reader of packets: the stream that a word waits for, the word, what is left of a packet and of
# the weights, and what has come of the present ones.
(
    WAITING, WORD, _INSIDE, _TARGET, _WORD_UNITS, _WORDS, _READING, _AGAIN, _PACKET, _GROUP,
    _MASK,
) = range(_CUT + BUFFER, _CUT + BUFFER + 11)  # fmt: skip
# Commands whose packets have not all been read.
_READ = _MASK + 1
# The fork.
_FORKED = _READ + PLAIN
_PASSED, _MAY_TAKE = range(_FORKED + FIFO, _FORKED + FIFO + 2)
STORED = _MAY_TAKE + 1
ADDED = STORED + FIFO
FEEDER = ADDED + FIFO

READ_AHEAD = 16
"""More commands than a feeder holds."""


@inner
def feeder_asks(state, at):
    """Beats of the burst that a feeder asks for, 0 for none."""
    if not state[at + _REQUESTS + VALID]:
        return 0
    return state[at + _REQUESTS + DATA]


@inner
def _asks_burst(state, at, burst):
    """Whether the splitter's burst has room, and a place on the way to memory."""
    return (
        state[at + _SPLITTER + BURSTS] != 0
        and not state[at + _REQUESTS + SPARE]
        and burst_beats(state, at + _SPLITTER, burst) <= state[at + _ROOM]
    )


@inner
def feeder_takes(state, at):
    """Whether a feeder and its fork take a command."""
    if not (takes(state, at + _AHEAD) and has_room(state, at + _FORKED)):
        return False
    if not state[at + _ASKING]:
        return True
    return splitter_takes(state, at + _SPLITTER) and state[at + _REPEATS] == 1


@inner
def feeder_starves(state, at):
    """Whether it has something to do, and no word of weights at hand."""
    busy = (
        state[at + _ASKING] or state[at + _AHEAD + COUNT] or state[at + _BUSY]
        or state[at + _CUT + VALID] or state[at + WAITING] != NO_STREAM
    )  # fmt: skip
    return busy and (state[at + WAITING] == NO_STREAM or state[at + WAITING] == CHANNELS)


@inner
def fork_takes(state, at):
    """Whether the fork takes the channels of a group."""
    return state[at + _MAY_TAKE] != 0


@inner
def step_fork(state, commands, groups, at, given, command, stored, added):
    """The fork; `given` a command or not, channels of a group taken by the units or not."""
    comes = state[at + WAITING] == CHANNELS and fork_takes(state, at)
    state[at + _MAY_TAKE] = (
        has_room(state, at + STORED)
        and has_room(state, at + ADDED)
        and state[at + _FORKED + READY] != 0
        and not comes
    )
    group = state[at + WORD]
    head = state[at + _FORKED + OUT]
    read = False
    if comes and groups[group, END]:
        read = state[at + _PASSED] == commands[head, REPEAT] - 1
        state[at + _PASSED] = 0 if read else state[at + _PASSED] + 1
    step_fifo(state, at + STORED, comes, group, stored)
    step_fifo(state, at + ADDED, comes and commands[head, ADDS] != 0, group, added)
    step_fifo(state, at + _FORKED, given, command, read)


@inner
def _step_reader(state, at, taken, packets, sequences, commands, units):
    """The reader of packets; its word is `taken` by its stream or not."""
    waits = state[at + WAITING] != NO_STREAM
    free = taken or not waits
    takes_unit = not state[at + _INSIDE] or free
    if free:
        state[at + WAITING] = NO_STREAM
    if not (takes_unit and state[at + _CUT + VALID]):
        return takes_unit
    if not state[at + _INSIDE]:
        if not state[at + _AGAIN]:
            # The next command's weights.
            command = front(state, at + _READ)
            step_plain(state, at + _READ, False, 0, True)
            state[at + _READING] = command
            state[at + _AGAIN] = commands[command, REPEAT]
            state[at + _PACKET] = 0
        sequence = state[at + _READING]
        if state[at + _PACKET] == 0:
            state[at + _GROUP] = sequences[sequence, FIRST_GROUP]
            state[at + _MASK] = sequences[sequence, FIRST_MASK]
        packet = sequences[sequence, FIRST_PACKET] + state[at + _PACKET]
        state[at + _PACKET] += 1
        if state[at + _PACKET] == sequences[sequence, PACKETS]:
            state[at + _PACKET] = 0
            state[at + _AGAIN] -= 1
        state[at + _INSIDE] = 1
        state[at + _TARGET] = packets[packet, 0]
        state[at + _WORDS] = packets[packet, 1]
        state[at + _WORD_UNITS] = units[packets[packet, 0]]
        return takes_unit
    state[at + _WORD_UNITS] -= 1
    if state[at + _WORD_UNITS] == 0:
        target = state[at + _TARGET]
        state[at + WAITING] = target
        if target == HEADERS:
            state[at + WORD] = state[at + _GROUP]
            state[at + _TARGET] = CHANNELS
            state[at + _WORD_UNITS] = units[CHANNELS]
            return takes_unit
        if target == CHANNELS:
            state[at + WORD] = state[at + _GROUP]
            state[at + _GROUP] += 1
        elif target == MASKS:
            state[at + WORD] = state[at + _MASK]
            state[at + _MASK] += 1
        state[at + _WORDS] -= 1
        state[at + _INSIDE] = state[at + _WORDS] != 0
        state[at + _WORD_UNITS] = units[target]
    return takes_unit


@inner
def step_feeder(
    state, at, bus_bytes, byte_bits, burst, taken, arrives, granted, given, command, commands,
    packets, sequences, units,
):  # fmt: skip
    """A feeder whose word is `taken` or not, and that is `given` a command or not."""
    reader_takes = _step_reader(state, at, taken, packets, sequences, commands, units)

    # Units out of beats.
    gives = state[at + _BUSY] != 0
    parts = bus_bytes // UNIT_BYTES
    if parts:
        full = state[at + _HELD] != 0
    else:
        full = state[at + _HELD] == UNIT_BYTES // bus_bytes
    gives = gives and full
    given_unit = gives and not state[at + _CUT + SPARE]
    last = state[at + _LEFT] == 1
    final = last and state[at + _TIMES] == 1
    next_sequence = not state[at + _BUSY] or (given_unit and final)
    if parts:
        beat_taken = not full or (given_unit and (state[at + _REST] == 0 or last))
    else:
        beat_taken = not full or given_unit
    has_beat = state[at + _FIFO + READY]
    if parts:
        if given_unit:
            state[at + _REST] -= 1
        if beat_taken:
            state[at + _HELD] = has_beat
            state[at + _REST] = parts - 1
    elif beat_taken:
        state[at + _HELD] = (0 if given_unit else state[at + _HELD]) + has_beat
    if given_unit:
        state[at + _LEFT] -= 1
        if last:
            state[at + _LEFT] = state[at + _UNITS]
            state[at + _TIMES] -= 1
    sequence_read = next_sequence and state[at + _AHEAD + COUNT] != 0
    if next_sequence:
        state[at + _BUSY] = sequence_read
        if sequence_read:
            following = front(state, at + _AHEAD)
            state[at + _UNITS] = commands[following, UNITS]
            state[at + _LEFT] = commands[following, UNITS]
            state[at + _TIMES] = commands[following, REPEAT]
    step_buffer(state, at + _CUT, gives, 0, reader_takes)

    # Beats from memory.
    asks_burst = _asks_burst(state, at, burst)
    beats = burst_beats(state, at + _SPLITTER, burst)
    asked = state[at + _ASKING] != 0 and splitter_takes(state, at + _SPLITTER)
    state[at + _ROOM] += state[at + _RETURNED] - (beats if asks_burst else 0)
    state[at + _RETURNED] = has_beat != 0 and beat_taken
    step_level(state, at + _FIFO, arrives, beat_taken)
    step_splitter(
        state, at + _SPLITTER, burst, asks_burst, state[at + _ASKING], state[at + _BEAT],
        state[at + _BEATS],
    )  # fmt: skip
    step_buffer(state, at + _REQUESTS, asks_burst, beats, granted)
    if asked:
        state[at + _ASKING] = state[at + _REPEATS] != 1
        state[at + _REPEATS] -= 1
    if given:
        state[at + _ASKING] = 1
        state[at + _REPEATS] = commands[command, REPEAT]
        state[at + _BEAT] = commands[command, ADDRESS] >> byte_bits
        octets = commands[command, UNITS] * UNIT_BYTES
        state[at + _BEATS] = (octets + bus_bytes - 1) >> byte_bits
        step_plain(state, at + _READ, True, command, False)
    step_plain(state, at + _AHEAD, given, command, sequence_read)


def place_feeder(places: Places, at: int, buffered_beats: int) -> None:
    """Give the feeder at `at` and its fork their queues."""
    places.constant(at + _ROOM, buffered_beats)
    places.fifo(at + _FIFO, buffered_beats)
    places.plain(at + _AHEAD, COMMANDS_AHEAD)
    places.plain(at + _READ, READ_AHEAD)
    places.constant(at + WAITING, NO_STREAM)
    places.fifo(at + _FORKED, FORKED_AHEAD)
    places.fifo(at + STORED, CHANNELS_AHEAD)
    places.fifo(at + ADDED, CHANNELS_AHEAD)
