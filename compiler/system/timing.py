"""The cycles of an image on a system, without RTL.

All blocks of the system go on cycle by cycle as in `hw.system`, but without the data that they
move (`compiler.system.clocks`): what a word holds changes no cycle, only where it lies and which
weights are zero. A block is gone through only in cycles in which it may do something else than in
the one before.

**Exact** for the memory of `sim/verilog/axi_memory.v` without pauses, ideal or of any latency: the
cycles of a run, begin and end of every command and all counters of `params.registers` equal the
RTL's (`tests/sim/test_system_timing.py`). **An estimate** for a memory of less than a beat a cycle:
here beats come at even distances, while memories pause as they like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from compiler.system.clocks import clock
from compiler.system.clocks.commands import ADDRESS, FEED, KIND, QUEUES, UNITS, tabulate
from compiler.system.clocks.feed import FEEDER, place_feeder
from compiler.system.clocks.load import LOAD, place_load
from compiler.system.clocks.queues import Places
from compiler.system.clocks.reads import BEATS_READ, READS, SCALE, place_reads
from compiler.system.clocks.residual import place_residual, residual_size
from compiler.system.clocks.row import place_row, row_size, row_timing
from compiler.system.clocks.store import place_store, store_size
from compiler.system.clocks.supply import SUPPLY, place_supply
from compiler.system.clocks.weights import weight_tables
from compiler.system.clocks.writes import BEATS_WRITTEN, WRITES, place_writes
from compiler.system.command import Command, decode
from compiler.system.image import SystemImage
from compiler.system.spans import MOVING, Span
from golden.errors import UserError
from params.commands import COMMAND_BYTES, Unit
from params.registers import COUNTERS

LONGEST_RUN = 1 << 40
"""Cycles after which a run is given up."""


class TimingError(UserError):
    """A memory that does not exist, or a run that does not end; the message says which."""


@dataclass(frozen=True, kw_only=True)
class MemoryTiming:
    """How fast a memory is.

    Parameters
    ----------
    latency : cycles from the address of a read to its first beat, 1 or more.
    beats_per_cycle : beats that are read, and beats that are written, in a cycle: above 0, at most
        1.
    """

    latency: int = 1
    beats_per_cycle: float = 1.0

    def __post_init__(self) -> None:
        if self.latency < 1:
            raise TimingError(f"latency is {self.latency}, but must be 1 at least")
        if not 1 / SCALE <= self.beats_per_cycle <= 1:
            raise TimingError(
                f"beats_per_cycle is {self.beats_per_cycle}, but must be in {1 / SCALE}..1"
            )


IDEAL = MemoryTiming()
"""A memory that answers in the next cycle, a beat every cycle."""


class Reason(StrEnum):
    """What a cycle passes with: the first of these that holds.

    COMPUTE : with a tile under way, of which a row issues a step or fills and empties its pipeline.
    WEIGHTS : a row has none at hand. RESIDUAL : what is added to outputs has not come. STORE :
    outputs wait for the store unit; or only it is at work. LOAD : no tile is under way, and words
    are loaded. DEPENDENCY : nor that, as the load waits for a map or for room. COMMANDS : commands
    are still on their way.
    """

    COMPUTE = "compute"
    WEIGHTS = "weights"
    RESIDUAL = "residual"
    STORE = "store"
    LOAD = "load"
    DEPENDENCY = "dependency"
    COMMANDS = "commands"


@dataclass(frozen=True, kw_only=True)
class LayerReasons:
    """What the cycles of a node pass with, from the end of the one before to its own end.

    Parameters
    ----------
    name : of the node.
    cycles : of each reason.
    """

    name: str
    cycles: Mapping[Reason, int]

    @property
    def bound_by(self) -> Reason:
        """The reason of the most cycles."""
        return max(self.cycles, key=lambda reason: self.cycles[reason])


@dataclass(frozen=True, kw_only=True)
class SystemTiming:
    """When a system does what of an image.

    Parameters
    ----------
    counters : cycles of each kind, as `params.registers.COUNTERS` in small letters.
    beats_read, beats_written : of the whole run.
    spans : for each unit when its commands that move or compute words begin and end.
    layers : of each node what its cycles pass with.
    """

    counters: Mapping[str, int]
    beats_read: int
    beats_written: int
    spans: Mapping[Unit, list[Span]]
    layers: tuple[LayerReasons, ...]

    @property
    def cycles(self) -> int:
        """Of the whole run."""
        return self.counters["cycles"]


def time_image(image: SystemImage, memory: MemoryTiming = IDEAL) -> SystemTiming:
    """Go through the run of an image.

    Parameters
    ----------
    image : of `compiler.system.lower.lower_network`: a run of it ends without a fault.

    Raises
    ------
    TimingError : the run does not end.
    """
    commands = decode(image.encoded_commands)
    table = tabulate(commands, image.config)
    sent = np.flatnonzero(table[:, KIND] == FEED)
    weights = weight_tables(image, [(int(n), *table[n, [ADDRESS, UNITS]].tolist()) for n in sent])
    state, settings = _state(image, memory)
    spans = np.zeros((len(QUEUES), len(commands), 2), dtype=np.int64)
    reasons = np.zeros((len(image.layers), clock.REASONS), dtype=np.int64)
    counters = np.zeros(clock.COUNTERS, dtype=np.int64)
    ended = clock.run_clock(
        state, settings, np.array(row_timing(image.config.array)), table, weights.packets,
        weights.sequences, weights.units, weights.groups, weights.masks,
        np.bitwise_or.reduce(weights.masks, axis=1), np.array(_last_stores(image, commands)),
        spans, reasons, counters, LONGEST_RUN,
    )  # fmt: skip
    if not ended:
        raise TimingError(f"the run has not ended after {LONGEST_RUN} cycles")
    return SystemTiming(
        counters=dict(zip((name.lower() for name in COUNTERS), counters.tolist(), strict=True)),
        beats_read=int(state[settings[clock.READS_AT] + BEATS_READ]),
        beats_written=int(state[settings[clock.WRITES_AT] + BEATS_WRITTEN]),
        spans={unit: _spans(unit, spans, commands) for unit in dict.fromkeys(MOVING.values())},
        layers=tuple(
            LayerReasons(name=layer.name, cycles=dict(zip(Reason, own, strict=True)))
            for layer, own in zip(image.layers, reasons.tolist(), strict=True)
        ),
    )


def _spans(unit: Unit, spans: np.ndarray, commands: list[Command]) -> list[Span]:
    """Of the commands of a unit that move or compute words."""
    count = sum(MOVING.get(command.opcode) == unit for command in commands)
    return [
        Span(unit=unit, number=number, begin=begin, end=end)
        for number, (begin, end) in enumerate(spans[QUEUES.index(unit), :count].tolist())
    ]


def _last_stores(image: SystemImage, commands: list[Command]) -> list[int]:
    """Of each node its last command that the store unit reports."""
    return [
        max(
            number
            for number in range(layer.first, layer.first + layer.count)
            if MOVING.get(commands[number].opcode) == Unit.STORE
        )
        for layer in image.layers
    ]


def _state(image: SystemImage, memory: MemoryTiming) -> tuple[np.ndarray, np.ndarray]:
    """The state of all blocks at the start of a run, and where each block is in it."""
    config, array = image.config, image.config.array
    rows, unwritten = array.rows, image.command_count
    places = Places()
    settings = np.zeros(clock.SETTINGS, dtype=np.int64)

    def take(setting: int, size: int) -> int:
        settings[setting] = at = places.take(size)
        return at

    readers = 2 + rows + array.residuals
    place_reads(places, take(clock.READS_AT, READS), readers)
    place_writes(places, take(clock.WRITES_AT, WRITES))
    burst_bytes = config.burst_beats * config.bus_bytes
    place_supply(
        places, take(clock.SUPPLY_AT, SUPPLY), buffered_beats=config.buffered_beats,
        first_beat=image.commands // config.bus_bytes,
        limit=image.size // burst_bytes * config.burst_beats,
        per_beat=max(1, config.bus_bytes // COMMAND_BYTES),
        each=max(1, COMMAND_BYTES // config.bus_bytes),
    )  # fmt: skip
    own = {"entries": config.pieces, "byte_bits": config.byte_bits, "unwritten": unwritten}
    buffered = {"buffered_beats": config.buffered_beats}
    place_load(places, take(clock.LOAD_AT, LOAD), **own, **buffered)
    place_store(places, take(clock.STORE_AT, store_size(rows)), rows=rows, **own)
    if array.residuals:
        at = take(clock.RESIDUAL_AT, residual_size(rows))
        place_residual(places, at, rows=rows, **own, **buffered)
    feeders = take(clock.FEEDERS_AT, rows * FEEDER)
    size = row_size(array.elements_per_lane)
    rows_at = take(clock.ROWS_AT, rows * size)
    for k in range(rows):
        place_feeder(places, feeders + k * FEEDER, config.buffered_beats)
        place_row(places, rows_at + k * size, array)
    for setting, value in (
        (clock.ROW_SIZE, size), (clock.ROW_COUNT, rows), (clock.FILTERS, array.filters_per_row),
        (clock.LENGTH, array.lanes_per_outlet), (clock.BUS_BYTES, config.bus_bytes),
        (clock.BYTE_BITS, config.byte_bits), (clock.BURST, config.burst_beats),
        (clock.LATENCY, memory.latency),
        (clock.BANDWIDTH, max(1, round(memory.beats_per_cycle * SCALE))),
        (clock.HAS_RESIDUALS, int(array.residuals)),
        (clock.STORE_PLACES, store_size(rows)), (clock.RESIDUAL_PLACES, residual_size(rows)),
    ):  # fmt: skip
        settings[setting] = value
    state = np.zeros(places.size, dtype=np.int64)
    for place, value in places.constants:
        state[place] = value
    return state, settings
