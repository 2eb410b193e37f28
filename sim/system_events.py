"""What the units of a simulated system did, and when."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from compiler.system.spans import Span
from hw.system.core import EVENTS
from params.commands import Unit


@dataclass(frozen=True)
class Event:
    """A unit begins a command that moves or computes words, or ends one, in `cycle`."""

    cycle: int
    unit: Unit
    ends: bool


def read_events(path: Path) -> tuple[Event, ...]:
    """The events that `sim/verilog/event_log.v` wrote, in order."""
    return tuple(_parsed(path.read_text().splitlines()))


def _parsed(lines: list[str]) -> Iterator[Event]:
    fields = [
        (Unit[unit.upper()], key == "ends", field.offset + inner.offset)
        for unit, field in EVENTS
        for key, inner in field.shape
    ]
    for line in lines:
        cycle, bits = line.split()
        for unit, ends, place in sorted(fields, key=lambda field: not field[1]):
            if int(bits, 16) >> place & 1:
                yield Event(int(cycle), unit, ends)


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
