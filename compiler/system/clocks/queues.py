"""The queues and register stages of a system in a cycle.

All state is in one vector of integers. A queue is a few neighbouring places of it, found by the
place of its first; what a queue holds is a ring elsewhere in the vector. Every function takes what
is offered and what is taken in a cycle and leaves the state of the next.
"""

from compiler.system.clocks.compiled import inner

# A `StreamBuffer`: what it offers, and the spare.
VALID, DATA, SPARE, SPARE_DATA, BUFFER = range(5)

# A FIFO with a register behind it; `_ROOM` counts the words of memory.
LEVEL, READY, OUT, _PUT, _GET, _ROOM, _RING, FIFO = range(8)

# A `MemoryQueue`.
_STORED, _ANY, NOT_FULL, OFFERED, OFFER, _WRITE, _READ, _DEPTH, _WORDS, MEMORY_QUEUE = range(10)

# A FIFO without a register behind it.
COUNT, _IN, _FROM, _SIZE, _PLACE, PLAIN = range(6)


@inner
def step_buffer(state, at, offered, data, taken):
    """A `StreamBuffer`; it is ready while it has no spare."""
    if taken or not state[at + VALID]:
        if state[at + SPARE]:
            state[at + VALID] = 1
            state[at + DATA] = state[at + SPARE_DATA]
            state[at + SPARE] = 0
        else:
            state[at + VALID] = offered
            state[at + DATA] = data
    elif offered and not state[at + SPARE]:
        state[at + SPARE] = 1
        state[at + SPARE_DATA] = data


@inner
def has_room(state, at):
    """Whether a FIFO takes a word."""
    return state[at + LEVEL] != state[at + _ROOM]


@inner
def is_empty(state, at):
    """Whether a FIFO holds no word."""
    return not state[at + LEVEL] and not state[at + READY]


@inner
def step_fifo(state, at, written, data, read):
    """A `SyncFIFOBuffered`; words come and go only as it has room and is ready."""
    level = state[at + LEVEL]
    room = state[at + _ROOM]
    if written and level != room:
        place = state[at + _PUT]
        state[state[at + _RING] + place] = data
        place += 1
        state[at + _PUT] = 0 if place == room else place
        state[at + LEVEL] = level + 1
    if level and (read or not state[at + READY]):
        place = state[at + _GET]
        state[at + OUT] = state[state[at + _RING] + place]
        place += 1
        state[at + _GET] = 0 if place == room else place
        state[at + LEVEL] -= 1
        state[at + READY] = 1
    elif read:
        state[at + READY] = 0


@inner
def step_level(state, at, written, read):
    """A `SyncFIFOBuffered` of which only counts how many words it holds."""
    level = state[at + LEVEL]
    if written and level != state[at + _ROOM]:
        state[at + LEVEL] = level + 1
    if level and (read or not state[at + READY]):
        state[at + LEVEL] -= 1
        state[at + READY] = 1
    elif read:
        state[at + READY] = 0


@inner
def step_memory_queue(state, at, written, data, taken):
    """A `MemoryQueue`."""
    level = state[at + _STORED]
    if not (level or written or state[at + OFFERED] or state[at + _ANY]):
        return
    free = taken or not state[at + OFFERED]
    some = state[at + _ANY]
    depth = state[at + _DEPTH]
    if written and state[at + NOT_FULL]:
        place = state[at + _WRITE]
        state[state[at + _WORDS] + place] = data
        place += 1
        state[at + _WRITE] = 0 if place == depth else place
        level += 1
    if free:
        if some:
            place = state[at + _READ]
            state[at + OFFER] = state[state[at + _WORDS] + place]
            place += 1
            state[at + _READ] = 0 if place == depth else place
            level -= 1
        state[at + OFFERED] = some
    state[at + _STORED] = level
    state[at + _ANY] = level != 0
    state[at + NOT_FULL] = level != depth


@inner
def takes(state, at):
    """Whether a `SyncFIFO` takes a word."""
    return state[at + COUNT] != state[at + _SIZE]


@inner
def front(state, at):
    """The oldest word of a `SyncFIFO`, if it holds any."""
    return state[state[at + _PLACE] + state[at + _FROM]]


@inner
def step_plain(state, at, written, data, read):
    """A `SyncFIFO`; nothing is written to a full one or read from an empty one."""
    if written:
        place = state[at + _IN]
        state[state[at + _PLACE] + place] = data
        place += 1
        state[at + _IN] = 0 if place == state[at + _SIZE] else place
    if read:
        place = state[at + _FROM] + 1
        state[at + _FROM] = 0 if place == state[at + _SIZE] else place
    state[at + COUNT] += int(written) - int(read)


@inner
def keep(state, at, size, kept):
    """Keep the state of a block."""
    block = state[at : at + size]
    for n in range(len(block)):
        kept[n] = block[n]


@inner
def differs(state, at, size, kept):
    """Whether the state of a block is another than the one that was kept."""
    block = state[at : at + size]
    found = 0
    for n in range(len(block)):
        found |= kept[n] ^ block[n]
    return found != 0


class Places:
    """Gives parts of the state their places, and fills in what does not change."""

    def __init__(self) -> None:
        self._size = 0
        self._constants: list[tuple[int, int]] = []

    def take(self, size: int) -> int:
        """The first of `size` neighbouring places."""
        self._size += size
        return self._size - size

    def constant(self, place: int, value: int) -> None:
        """What stands at `place` at the start."""
        self._constants.append((place, value))

    def fifo(self, at: int, depth: int) -> None:
        """The FIFO at `at` holds `depth` words."""
        self.constant(at + _ROOM, depth - 1)
        self.constant(at + _RING, self.take(depth - 1))

    def memory_queue(self, at: int, depth: int) -> None:
        """The `MemoryQueue` at `at` has `depth` words of memory."""
        self.constant(at + NOT_FULL, 1)
        self.constant(at + _DEPTH, depth)
        self.constant(at + _WORDS, self.take(depth))

    def plain(self, at: int, depth: int) -> None:
        """The `SyncFIFO` at `at` holds `depth` words."""
        self.constant(at + _SIZE, depth)
        self.constant(at + _PLACE, self.take(depth))

    @property
    def size(self) -> int:
        """Places of the state so far."""
        return self._size

    @property
    def constants(self) -> list[tuple[int, int]]:
        """(place, value) of all that is not 0 at the start."""
        return self._constants
