"""What is known of a network that has run on a system, without its maps."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compiler.system.spans import Span, Timeline
from params.commands import Unit
from sim.layer_cycles import MeasuredCycles


@dataclass(frozen=True, kw_only=True, eq=False)
class SystemRecord:
    """A network, or a part of it, that has run on the system.

    Parameters
    ----------
    net : name of the network.
    size : bytes of memory that the run touched.
    commands : of the run.
    failure : what went wrong, in a sentence; None when all maps were right.
    counters : cycles of each kind; see `params.registers.COUNTERS`.
    beats_read, beats_written : by the system.
    seconds : of the simulator, its start included.
    digests : SHA-256 of each map that was compared, bytes in the order (channel, y, x).
    layers : cycles of each node that was done.
    timeline : for each unit its commands and the names of their nodes, in order.
    """

    net: str
    size: int
    commands: int
    failure: str | None
    counters: Mapping[str, int]
    beats_read: int
    beats_written: int
    seconds: float
    digests: Mapping[str, str]
    layers: tuple[MeasuredCycles, ...]
    timeline: Timeline


def to_json(record: SystemRecord) -> dict[str, Any]:
    """The record as JSON has it."""
    fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    fields["layers"] = [dataclasses.asdict(layer) for layer in record.layers]
    fields["timeline"] = {
        unit.name: [[name, span.begin, span.end] for name, span in entries]
        for unit, entries in record.timeline.items()
    }
    return fields


def from_json(fields: Mapping[str, Any]) -> SystemRecord:
    """The record that `to_json` has written.

    Raises
    ------
    KeyError, TypeError, ValueError : it has not.
    """
    timeline = {}
    for name, entries in fields["timeline"].items():
        unit = Unit[name]
        timeline[unit] = [
            (layer, Span(unit=unit, number=number, begin=begin, end=end))
            for number, (layer, begin, end) in enumerate(entries)
        ]
    layers = tuple(MeasuredCycles(**layer) for layer in fields["layers"])
    return SystemRecord(**{**fields, "layers": layers, "timeline": timeline})
