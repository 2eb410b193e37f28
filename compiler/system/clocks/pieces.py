"""A table of pieces, the cutter behind it, and the splitter of spans in a cycle."""

from compiler.system.clocks.commands import DOUBLE, FINAL, LAST, OFFSET, PIXELS
from compiler.system.clocks.compiled import inner
from compiler.system.clocks.queues import Places

# A `PieceTable`. What it reads is on its way through two registers to the one on offer; an entry
# is known by the command that wrote it. A base is kept while another is walked.
(
    WALKING,
    _BASE,
    _STAY,
    _WHOLE,
    _WALKER,
    _FIRST,
    _CAME_FROM,
    _READING,
    _READ,
    _READ_BASE,
    _HELD,
    _HELD_ENTRY,
    _HELD_BASE,
    OFFERS,
    ENTRY,
    _PLACED,
    _PLACES,
    ENTRIES,
    _KEPT,
    _KEPT_BASE,
    _KEPT_STAY,
    _KEPT_WHOLE,
    _KEPT_WALKER,
    TABLE,
) = range(24)

# A `PieceCutter`. A cut's marks are bits: it ends its word, it asks for beats, it has one.
(
    _CLIPPED,
    _CLIPPED_ENTRY,
    _CLIPPED_PLACE,
    _SPARE,
    _SPARE_ENTRY,
    _SPARE_PLACE,
    _BUSY,
    _ENTRY,
    _ASKS,
    _BEAT,
    _BEATS,
    _LEFT,
    _ROOM,
    CUT,
    MARKS,
    CUT_BEAT,
    CUT_BEATS,
    CUTTER,
) = range(18)

WORD_ENDS, ASKS, HAS_BEAT = 1, 2, 4

# A `BurstSplitter`, and the span that it keeps.
BURSTS, _AT, _TO_GO, _WAITS, _WAITS_AT, _WAITS_BEATS, SPLITTER = range(7)


@inner
def table_advances(state, at, taken):
    """Whether what the table reads moves on."""
    return taken or not state[at + OFFERS]


@inner
def table_takes(state, at):
    """Whether the table takes a base."""
    return not state[at + _KEPT]


@inner
def _next_base(state, commands, at, advances):
    """Whether the table walks the next base."""
    if not state[at + WALKING]:
        return True
    if not advances:
        return False
    entry = state[state[at + ENTRIES] + state[state[at + _PLACES] + state[at + _WALKER]]]
    return commands[entry, FINAL if state[at + _WHOLE] else LAST] != 0


@inner
def rewind(state, at, walkers):
    """Put every place to the first entry."""
    for k in range(walkers):
        state[state[at + _PLACES] + k] = 0


@inner
def step_table(state, commands, at, advances, given, base, stay, whole, walker):
    """A `PieceTable` that takes a base where it can and one is `given`."""
    moves = _next_base(state, commands, at, advances)
    if advances:
        state[at + OFFERS] = state[at + _HELD]
        state[at + ENTRY] = state[at + _HELD_ENTRY]
        state[at + _PLACED] = state[at + _HELD_BASE] + commands[state[at + _HELD_ENTRY], OFFSET]
        state[at + _HELD] = state[at + _READING]
        state[at + _HELD_ENTRY] = state[at + _READ]
        state[at + _HELD_BASE] = state[at + _READ_BASE]
        state[at + _READING] = state[at + WALKING]
        if state[at + WALKING]:
            where = state[at + _PLACES] + state[at + _WALKER]
            place = state[where]
            entry = state[state[at + ENTRIES] + place]
            state[at + _READ] = entry
            state[at + _READ_BASE] = state[at + _BASE]
            origin = place if state[at + _FIRST] else state[at + _CAME_FROM]
            ends = commands[entry, FINAL if state[at + _WHOLE] else LAST]
            state[at + _CAME_FROM] = origin
            state[at + _FIRST] = 0
            if ends and state[at + _STAY]:
                state[where] = origin
            else:
                state[where] = 0 if commands[entry, FINAL] else place + 1
    kept = state[at + _KEPT] != 0
    if moves:
        state[at + WALKING] = kept or given
        state[at + _BASE] = state[at + _KEPT_BASE] if kept else base
        state[at + _STAY] = state[at + _KEPT_STAY] if kept else stay
        state[at + _WHOLE] = state[at + _KEPT_WHOLE] if kept else whole
        state[at + _WALKER] = state[at + _KEPT_WALKER] if kept else walker
        state[at + _FIRST] = 1
        state[at + _KEPT] = 0
    elif given and not kept:
        state[at + _KEPT] = 1
        state[at + _KEPT_BASE] = base
        state[at + _KEPT_STAY] = stay
        state[at + _KEPT_WHOLE] = whole
        state[at + _KEPT_WALKER] = walker


@inner
def cutter_busy(state, at):
    """Whether a piece is taken and its last cut is not."""
    return state[at + _CLIPPED] or state[at + _BUSY] or state[at + CUT]


@inner
def cutter_takes(state, at):
    """Whether the cutter takes a piece."""
    return not state[at + _SPARE]


@inner
def step_cutter(state, commands, at, bus_bytes, byte_bits, taken, given, table):
    """A `PieceCutter` behind the table at `table`, which gives it a piece or not."""
    moves = taken or not state[at + CUT]
    busy = state[at + _BUSY]
    ends = state[at + _LEFT] <= state[at + _ROOM]
    refills = not busy or (moves and ends)
    clips = refills or not state[at + _CLIPPED]
    entry = state[at + _ENTRY]
    if moves:
        state[at + CUT] = busy
        if busy:
            marks = 0
            if ends and commands[entry, LAST]:
                marks |= WORD_ENDS
            if state[at + _ASKS]:
                marks |= ASKS
            if state[at + _LEFT]:
                marks |= HAS_BEAT
            state[at + MARKS] = marks
            state[at + CUT_BEAT] = state[at + _BEAT]
            state[at + CUT_BEATS] = state[at + _BEATS]
    if refills:
        state[at + _BUSY] = state[at + _CLIPPED]
        if state[at + _CLIPPED]:
            entry = state[at + _CLIPPED_ENTRY]
            place = state[at + _CLIPPED_PLACE]
            byte = place & (bus_bytes - 1)
            pixels, double = commands[entry, PIXELS], commands[entry, DOUBLE]
            past = byte + (pixels << double) + bus_bytes - 1 - double
            state[at + _ENTRY] = entry
            state[at + _ASKS] = pixels != 0
            state[at + _BEAT] = place >> byte_bits
            state[at + _BEATS] = past >> byte_bits
            state[at + _LEFT] = pixels
            state[at + _ROOM] = bus_bytes // 2 - (byte >> 1) if double else bus_bytes - byte
    elif moves:
        state[at + _LEFT] -= state[at + _ROOM]
        state[at + _ROOM] = bus_bytes // 2 if commands[entry, DOUBLE] else bus_bytes
        state[at + _ASKS] = 0
    if clips:
        spare = state[at + _SPARE] != 0
        state[at + _CLIPPED] = spare or given
        state[at + _CLIPPED_ENTRY] = state[at + _SPARE_ENTRY] if spare else state[table + ENTRY]
        state[at + _CLIPPED_PLACE] = state[at + _SPARE_PLACE] if spare else state[table + _PLACED]
        state[at + _SPARE] = 0
    elif given and not state[at + _SPARE]:
        state[at + _SPARE] = 1
        state[at + _SPARE_ENTRY] = state[table + ENTRY]
        state[at + _SPARE_PLACE] = state[table + _PLACED]


@inner
def burst_beats(state, at, burst):
    """Beats of the burst that a splitter offers."""
    return min(state[at + _TO_GO], burst - (state[at + _AT] & (burst - 1)))


@inner
def splitter_takes(state, at):
    """Whether a splitter takes a span."""
    return not state[at + _WAITS]


@inner
def step_splitter(state, at, burst, taken, given, beat, beats):
    """A `BurstSplitter` whose burst is `taken` or not, and that is `given` a span or not."""
    moves = not state[at + BURSTS]
    if state[at + BURSTS] and taken:
        beats_now = burst_beats(state, at, burst)
        state[at + _AT] += beats_now
        state[at + _TO_GO] -= beats_now
        moves = state[at + _TO_GO] == 0
    waits = state[at + _WAITS] != 0
    if moves:
        state[at + BURSTS] = waits or given
        state[at + _AT] = state[at + _WAITS_AT] if waits else beat
        state[at + _TO_GO] = state[at + _WAITS_BEATS] if waits else beats
        state[at + _WAITS] = 0
    elif given and not waits:
        state[at + _WAITS] = 1
        state[at + _WAITS_AT] = beat
        state[at + _WAITS_BEATS] = beats


def place_table(places: Places, at: int, entries: int, walkers: int, unwritten: int) -> None:
    """Give the table at `at` its entries, of the commands `unwritten` and the one behind it."""
    first = places.take(entries)
    places.constant(at + ENTRIES, first)
    places.constant(at + _PLACES, places.take(walkers))
    for number in range(entries):
        places.constant(first + number, unwritten + (number == entries - 1))
