"""Pictures of a network on the system: what its units did when."""

from collections.abc import Sequence
from pathlib import Path

from cli.pictures import BOUND, DENSE, INK, SPARSE, new_figure, save
from params.commands import Unit
from sim.layer_cycles import MeasuredCycles
from sim.system_record import SystemRecord

UNITS = {
    Unit.LOAD: ("load", "#3b8f6e"),
    Unit.COMPUTE: ("compute", SPARSE),
    Unit.RESIDUAL: ("residual", "#7a4f9a"),
    Unit.STORE: ("store", BOUND),
}
"""Units in the order of the timeline, with name and colour."""

NAME_ROOM = 1 / 170
"""What a layer's name takes of the length of a timeline."""


def draw_system(folder: Path, runs: Sequence[SystemRecord], *, title: str) -> list[Path]:
    """Draw the timeline of the units and the cycles of every layer; gives the pictures' paths."""
    paths = []
    for name, figure in (
        ("timeline", _timeline(runs, title)),
        ("layers", _layers(runs, title)),
    ):
        for kind in (".png", ".svg"):
            path = folder / f"{name}{kind}"
            save(figure, path)
            paths.append(path)
    return paths


def _timeline(runs: Sequence[SystemRecord], title: str):
    """A line for each unit, with a bar for each of its commands."""
    figure = new_figure(14, 3.4)
    axes = figure.subplots()
    offset, marks = 0, []
    for run in runs:
        for place, (unit, (_, colour)) in enumerate(UNITS.items()):
            bars = [
                (offset + span.begin, span.end - span.begin)
                for _, span in run.timeline.get(unit, [])
            ]
            axes.broken_barh(bars, (place - 0.4, 0.8), color=colour, linewidth=0)
        start = 0
        for layer in run.layers:
            marks.append((offset + start, layer))
            start += layer.cycles
        offset += run.counters["cycles"]
    for cycle, _ in marks:
        axes.axvline(cycle, color=DENSE, linewidth=0.4, zorder=0)
    for cycle, name in _named(marks, offset * NAME_ROOM):
        axes.text(cycle, -0.6, name, rotation=90, fontsize=5, color=INK, va="bottom", ha="left")
    axes.set_yticks(range(len(UNITS)), [name for name, _ in UNITS.values()])
    axes.set_ylim(len(UNITS) - 0.4, -2.0)
    axes.set_xlim(0, offset)
    axes.xaxis.set_major_formatter(lambda cycles, _: f"{cycles:,.0f}")
    axes.set_xlabel("cycles")
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _named(marks: Sequence[tuple[int, MeasuredCycles]], room: float) -> list[tuple[int, str]]:
    """The layers whose names do not run into those of longer layers, with their first cycles."""
    named: list[tuple[int, str]] = []
    for cycle, layer in sorted(marks, key=lambda mark: -mark[1].cycles):
        if all(abs(cycle - other) >= room for other, _ in named):
            named.append((cycle, layer.name))
    return named


def _layers(runs: Sequence[SystemRecord], title: str):
    """For each layer its cycles, those with a tile under way, and the bound of its nonzeros."""
    layers = [layer for run in runs for layer in run.layers]
    figure = new_figure(9, 0.2 * len(layers) + 1.6)
    axes = figure.subplots()
    places = range(len(layers))
    axes.barh(places, [layer.cycles for layer in layers], color=DENSE, label="all cycles")
    axes.barh(
        places, [layer.compute for layer in layers], height=0.5, color=SPARSE, label="computing"
    )
    for place, layer in enumerate(layers):
        axes.plot(
            [layer.bound] * 2, [place - 0.4, place + 0.4], color=BOUND, linewidth=1.5,
            label="nonzeros / PEs" if place == 0 else None,
        )  # fmt: skip
    axes.set_yticks(list(places), [layer.name for layer in layers], fontsize=6)
    axes.set_ylim(len(layers) - 0.4, -0.6)
    axes.set_xlabel("cycles")
    axes.xaxis.set_major_formatter(lambda cycles, _: f"{cycles:,.0f}")
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", fontsize=8)
    return figure
