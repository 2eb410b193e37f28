"""The pictures of `zeroshift compare`."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from math import log2
from multiprocessing import get_context
from pathlib import Path
from textwrap import wrap
from typing import Any

from cli.compare_tables import ratio
from cli.comparison import LAYER_GOAL, TOTAL_GOAL, Row
from cli.designs import DENSE_DESIGNS
from cli.pictures import BOUND, DENSE, INK, SPARSE, new_figure, save

KINDS = (".png", ".svg")
"""What every picture is written as."""

BITS_COLOURS = {2: "#7a4f9a", 3: "#3b8f6e", 4: SPARSE, 5: "#c28a1c", 6: "#b4483c"}
"""A colour for each number of bits."""

FAINT, SHORT = "#8a8f98", "#b4483c"
"""Colours of annotations: of all, and of what falls short."""

NARROWEST = 7.5
"""Inches that titles and legends need."""

CHARACTERS_PER_INCH = 14
"""Of titles."""

CLOSE = 0.3
"""Octaves between speed-ups of which only one is written out."""

LABELS = {design.name: design.label for design in DENSE_DESIGNS}


def draw_comparison(
    folder: Path, rows: Sequence[Row], *, source: str, method: str, bandwidths: Sequence[float]
) -> list[Path]:
    """Draw all pictures of a comparison, and give their paths.

    Parameters
    ----------
    folder : where to.
    rows : layers and totals.
    source : where the weights come from.
    method : the quantizer.
    bandwidths : of the memory, in bytes per cycle.
    """
    nets = list(dict.fromkeys(row.net for row in rows))
    note = f"{method} weights; {source}"
    drawings = [(folder, [row for row in rows if row.net == net], bandwidths, note) for net in nets]
    paths = _save(folder, {"speedup": _speedup(rows, nets, note)})
    if len(nets) == 1:
        return paths + _draw_network(*drawings[0])
    # matplotlib is slow with many layers, and uses one core.
    workers = min(len(nets), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        drawn = [pool.submit(_draw_network, *drawing) for drawing in drawings]
        return paths + [path for own in drawn for path in own.result()]


def _draw_network(
    folder: Path, rows: Sequence[Row], bandwidths: Sequence[float], note: str
) -> list[Path]:
    """Draw the pictures of one network, and give their paths."""
    net = rows[0].net
    bits = list(dict.fromkeys(row.bits for row in rows))
    layers = [row for row in rows if row.shape is not None]
    return _save(
        folder,
        {
            f"{net}-layers": _layers(net, layers, bits, note),
            f"{net}-utilisation": _utilisation(net, layers, bits, note),
            f"{net}-roofline": _roofline(net, layers, bits, bandwidths, note),
        },
    )


def _save(folder: Path, figures: Mapping[str, Any]) -> list[Path]:
    """Write figures by name, and give their paths."""
    paths = []
    for name, figure in figures.items():
        own = [folder / f"{name}{kind}" for kind in KINDS]
        save(figure, *own)
        paths += own
    return paths


def _speedup(rows: Sequence[Row], nets: list[str], note: str):
    """Speed-up of whole networks over dense arrays against the number of bits."""
    totals = [row for row in rows if row.shape is None]
    designs = list(totals[0].dense)
    boards = any(row.board_speedup(name) is not None for row in totals for name in designs)
    figure = new_figure(11 if boards else NARROWEST, 4.8)
    panels = figure.subplots(1, 2 if boards else 1, squeeze=False)[0]
    kinds: list[tuple[str, Callable[[Row, str], float | None]]] = [
        ("with as many processing elements", Row.speedup)
    ]
    if boards:
        kinds.append(("on the same FPGA, each at its own clock", Row.board_speedup))
    for axes, (title, value) in zip(panels, kinds, strict=True):
        noted: list[tuple[int, float]] = []
        for net, style in zip(nets, cycle(("-", "--", ":", "-."))):
            own = [row for row in totals if row.net == net]
            # Later lines are thinner, so that those below them show.
            for n, (name, colour) in enumerate(zip(designs, cycle((SPARSE, BOUND)))):
                points = [(row.bits, speed) for row in own if (speed := value(row, name))]
                if not points:
                    continue
                axes.plot(
                    *zip(*points, strict=True), style, color=colour, marker="o",
                    markersize=7 - 3 * n, linewidth=2.4 - 1.2 * n,
                    label=f"over {LABELS.get(name, name)}, {net}",
                )  # fmt: skip
                for bits, speed in points:
                    if any(b == bits and abs(log2(speed / s)) < CLOSE for b, s in noted):
                        continue
                    noted.append((bits, speed))
                    axes.annotate(
                        f"{ratio(speed)}x", (bits, speed), xytext=(7, 5), color=colour,
                        fontsize=8, textcoords="offset points",
                    )  # fmt: skip
        axes.axhline(1, color=FAINT, linewidth=0.8)
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(lambda speed, _: f"{speed:g}x")
        axes.set_xticks(sorted({row.bits for row in totals}))
        axes.margins(x=0.1, y=0.12)
        axes.set_xlabel("bits per weight")
        axes.set_title(title, loc="left", fontsize=10)
        _plain(axes)
    panels[0].set_ylabel("speed-up")
    panels[0].legend(frameon=False, fontsize=8)
    _title(figure, "Speed-up of whole networks", note)
    return figure


def _layers(net: str, rows: Sequence[Row], bits: list[int], note: str):
    """Bars of the cycles of every layer, a panel for each number of bits."""
    from matplotlib.legend_handler import HandlerTuple

    columns = [[row for row in rows if row.bits == b] for b in bits]
    count = len(columns[0])
    figure = new_figure(max(NARROWEST, 2.2 + 2.5 * len(bits)), 0.155 * count + 2.1)
    panels = figure.subplots(
        1, len(bits), squeeze=False, sharey=True, sharex=True, gridspec_kw={"wspace": 0.06}
    )[0]
    reference = next(iter(columns[0][0].dense))
    smallest = min(row.figures.cycles for column in columns for row in column)
    largest = max(row.dense[reference].cycles for column in columns for row in column)
    left = 10 ** (len(str(smallest)) - 1) / 2
    # Room for the utilisation behind the bars.
    right = largest * (largest / left) ** 0.16
    for axes, column, b in zip(panels, columns, bits, strict=True):
        _shade_stages(axes, column)
        places = range(count)
        axes.barh(
            places, [row.dense[reference].cycles * _scale(row, reference) - left for row in column],
            left=left, height=0.78, color=DENSE, label="dense",
        )  # fmt: skip
        axes.barh(
            places, [row.figures.cycles - left for row in column], left=left, height=0.5,
            color=BITS_COLOURS.get(b, SPARSE), label="power-of-two weights",
        )  # fmt: skip
        bounds = [row.figures.lower_bound_cycles for row in column]
        axes.vlines(
            bounds, [place - 0.42 for place in places], [place + 0.42 for place in places],
            color=INK, linewidth=1.1, label="lower bound of the nonzeros",
        )  # fmt: skip
        for place, row in enumerate(column):
            short = row.figures.utilisation < LAYER_GOAL
            axes.text(
                0.99, place, f"{row.figures.utilisation:.0%}", fontsize=6, va="center", ha="right",
                color=SHORT if short else INK, transform=axes.get_yaxis_transform(),
                in_layout=False,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlim(left, right)
        axes.set_ylim(count - 0.4, -0.6)
        axes.set_title(f"{b} bits, {column[0].config.name}", loc="left", fontsize=9)
        axes.set_xlabel("cycles", fontsize=8)
        axes.tick_params(axis="x", labelsize=7)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color="#dddddd", linewidth=0.5)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
    panels[0].set_yticks(range(count), [row.layer for row in columns[0]], fontsize=6.5)
    # One entry for the bars of all panels.
    bound, dense, _ = panels[0].get_legend_handles_labels()[0]
    sparse: Any = tuple(axes.get_legend_handles_labels()[0][-1].patches[0] for axes in panels)
    figure.legend(
        [sparse, dense, bound],
        ["power-of-two weights", f"{LABELS.get(reference, reference)}, as many processing elements",
         "lower bound of the nonzeros"],
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)}, loc="outside lower left", ncols=3,
        frameon=False, fontsize=8,
    )  # fmt: skip
    _title(figure, f"{net}: cycles per layer, and utilisation of the processing elements", note)
    return figure


def _utilisation(net: str, rows: Sequence[Row], bits: list[int], note: str):
    """Utilisation of every layer against its density."""
    figure = new_figure(8, 5.2)
    axes = figure.subplots()
    labels = {}
    for b in bits:
        # A logarithm has no place for a layer of zeros.
        own = [row for row in rows if row.bits == b and row.figures.nonzeros]
        if not own:
            continue
        cycles = sum(row.figures.cycles for row in own)
        bound = sum(row.figures.lower_bound_cycles for row in own)
        axes.scatter(
            [row.density for row in own], [row.figures.utilisation for row in own],
            s=[12 + 600 * row.figures.cycles / cycles for row in own],
            color=BITS_COLOURS.get(b, SPARSE), alpha=0.55, linewidths=0,
        )  # fmt: skip
        labels[b] = f"{b} bits: {bound / cycles:.1%} in total"
    for goal, text in ((LAYER_GOAL, "asked of every layer"), (TOTAL_GOAL, "asked of a network")):
        axes.axhline(goal, color=FAINT, linewidth=0.8, linestyle="--")
        axes.text(
            0.005, goal - 0.008, text, color=FAINT, fontsize=8, va="top",
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    if labels:
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda density, _: f"{density:.3g}" if density < 1 else "1")
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlabel("density: share of the weights that is not zero")
    axes.set_ylabel("utilisation: lower bound / cycles")
    _plain(axes)
    handles = [
        axes.scatter([], [], s=30, color=BITS_COLOURS.get(b, SPARSE), linewidths=0, label=label)
        for b, label in labels.items()
    ]
    axes.legend(handles=handles, frameon=False, fontsize=8, loc="center right")
    _title(figure, f"{net}: utilisation of the layers; areas are shares of the cycles", note)
    return figure


def _roofline(
    net: str, rows: Sequence[Row], bits: list[int], bandwidths: Sequence[float], note: str
):
    """Useful steps per cycle against steps per byte moved, a panel for each number of bits."""
    from matplotlib import colormaps

    across = min(3, len(bits))
    down = -(-len(bits) // across)
    figure = new_figure(max(NARROWEST, 1 + 3.6 * across), 1.4 + 3.2 * down)
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    stages = list(dict.fromkeys(row.stage for row in rows))
    palette = colormaps["Dark2"]
    colours = {stage: palette(number) for number, stage in enumerate(stages)}
    # Weights may all be zero.
    intensity = [row.steps / row.figures.traffic_bytes for row in rows if row.steps] or [1.0]
    rate = [row.steps / row.figures.cycles for row in rows if row.steps] or [1.0]
    left, right = min(intensity) / 2, 3 * max(intensity)
    for axes, b in zip(grid, bits, strict=False):
        own = [row for row in rows if row.bits == b and row.steps]
        roof = own[0].config.processing_elements if own else 1
        for bandwidth in bandwidths:
            ridge = min(max(roof / bandwidth, left), right)
            axes.plot(
                [left, ridge, right], [bandwidth * left, min(roof, bandwidth * ridge), roof],
                color=INK, linewidth=1,
            )  # fmt: skip
            axes.annotate(
                f"{bandwidth:g} B/cycle", (ridge, roof), xytext=(-4, -3), rotation=45, fontsize=7,
                textcoords="offset points", ha="right", va="top", color=INK,
            )  # fmt: skip
        for stage in stages:
            points = [row for row in own if row.stage == stage]
            axes.scatter(
                [row.steps / row.figures.traffic_bytes for row in points],
                [row.steps / row.figures.cycles for row in points],
                s=18, color=colours[stage], alpha=0.75, linewidths=0, label=stage,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(left, right)
        axes.set_ylim(min(rate) / 10, 2 * max(row.config.processing_elements for row in rows))
        axes.set_title(f"{b} bits: at most {roof} steps per cycle", loc="left", fontsize=9)
        _plain(axes)
        axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
        axes.xaxis.set_major_formatter(lambda steps, _: f"{steps:g}")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_formatter(lambda *_: "")
    for axes in grid[len(bits) :]:
        axes.set_axis_off()
    for axes in grid[max(0, len(bits) - across) : len(bits)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel("useful steps per byte moved", fontsize=9)
    figure.supylabel("useful steps per cycle", fontsize=9)
    handles, labels = grid[0].get_legend_handles_labels()
    if len(grid) > len(bits):
        grid[-1].legend(handles, labels, loc="center", frameon=False, fontsize=9)
    else:
        figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    _title(
        figure, f"{net}: roofline. Layers left of a slope wait for a memory of that bandwidth", note
    )
    return figure


def _title(figure, title: str, note: str) -> None:
    """A title and a note, broken to the figure's width."""
    width = int(figure.get_figwidth() * CHARACTERS_PER_INCH)
    lines = [line for text in (title, note) for line in wrap(text, width)]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=9)


def _scale(row: Row, design: str) -> float:
    """What makes cycles of a dense array those of one with as many elements as the row's."""
    return row.dense[design].processing_elements / row.config.processing_elements


def _shade_stages(axes, rows: Sequence[Row]) -> None:
    """Every other stage on a faint ground."""
    stages = list(dict.fromkeys(row.stage for row in rows))
    for stage in stages[::2]:
        places = [place for place, row in enumerate(rows) if row.stage == stage]
        axes.axhspan(places[0] - 0.5, places[-1] + 0.5, color="#f4f5f7", linewidth=0)


def _plain(axes) -> None:
    axes.grid(color="#e4e4e4", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
