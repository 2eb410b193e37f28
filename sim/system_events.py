"""What the units of a simulated system did, and when."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compiler.system.spans import Span
from hw.system.core import EVENTS
from hw.system.system import COUNTING
from params.commands import Unit


@dataclass(frozen=True)
class Event:
    """A unit begins a command that moves or computes words, or ends one, in `cycle`."""

    cycle: int
    unit: Unit
    ends: bool


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What has happened up to `cycle`.

    Parameters
    ----------
    beats_read, beats_written : over the memory bus.
    counts : cycles by the names of `hw.system.system.COUNTING`.
    """

    cycle: int
    beats_read: int
    beats_written: int
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class EventLog:
    """The events of a run, and the totals at the cycles in which there were any, in order."""

    events: tuple[Event, ...]
    totals: tuple[Totals, ...]


def read_events(path: Path) -> EventLog:
    """What `sim/verilog/event_log.v` wrote."""
    fields = [
        (Unit[unit.upper()], key == "ends", field.offset + inner.offset)
        for unit, field in EVENTS
        for key, inner in field.shape
    ]
    fields.sort(key=lambda field: not field[1])
    names = [name for name, _ in COUNTING]
    events, totals = [], []
    for line in path.read_text().splitlines():
        cycle, bits, read, written, *counts = line.split()
        for unit, ends, place in fields:
            if int(bits, 16) >> place & 1:
                events.append(Event(int(cycle), unit, ends))
        totals.append(
            Totals(
                cycle=int(cycle),
                beats_read=int(read),
                beats_written=int(written),
                counts=dict(zip(names, map(int, counts), strict=True)),
            )
        )
    return EventLog(events=tuple(events), totals=tuple(totals))


def spans(events: tuple[Event, ...]) -> dict[Unit, list[Span]]:
    """The commands of each unit, in order; a unit ends them in the order in which they began."""
    begun: dict[Unit, deque[int]] = {}
    found: dict[Unit, list[Span]] = {}
    for event in events:
        if not event.ends:
            begun.setdefault(event.unit, deque()).append(event.cycle)
            continue
        own = found.setdefault(event.unit, [])
        begin = begun[event.unit].popleft()
        own.append(Span(unit=event.unit, number=len(own), begin=begin, end=event.cycle))
    return found
