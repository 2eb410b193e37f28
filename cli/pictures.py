"""Pictures, drawn with matplotlib and written whole."""

from pathlib import Path

from cli.console import UsageError
from golden.files import replacing

DENSE, SPARSE, BOUND, INK = "#c9ccd1", "#2f6f9f", "#d9822b", "#333333"
"""Colours: what is compared with, what is measured, limits, text."""


def new_figure(width: float, height: float):
    """An empty figure, its size in inches."""
    # matplotlib takes half a second to import, which commands without pictures need not wait for.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure, *paths: Path) -> None:
    """Write a figure as the kinds of picture that its paths end in.

    Raises
    ------
    UsageError : a kind that is not drawn.
    """
    for path in paths:
        if path.suffix not in (".png", ".svg", ".pdf"):
            raise UsageError(f"{path} must end in .png, .svg or .pdf to be drawn")
    for path in paths:
        with replacing(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], dpi=150)
        # The places that the first drawing has found are good for the others.
        figure.set_layout_engine("none")


def draw_cycles(path: Path, rows: list[dict], *, title: str, source: str) -> None:
    """Bars of cycles per layer: without zero-skip, measured, and the bound of the nonzeros.

    Parameters
    ----------
    path : picture to write.
    rows : reports of simulated layers.
    title, source : of the picture; where the weights come from.
    """
    figure = new_figure(10, 0.5 * len(rows) + 1.8)
    axes = figure.subplots()
    places = range(len(rows))
    axes.barh(
        [place - 0.2 for place in places],
        [row["dense_cycles"] for row in rows],
        height=0.36, color=DENSE, label="same array without zero-skip",
    )  # fmt: skip
    axes.barh(
        [place + 0.2 for place in places],
        [row["cycles"] for row in rows],
        height=0.36, color=SPARSE, label="measured on the RTL",
    )  # fmt: skip
    for place, row in enumerate(rows):
        axes.plot(
            [row["lower_bound_cycles"]] * 2, [place + 0.0, place + 0.4],
            color=BOUND, linewidth=2, label="nonzeros / PEs" if place == 0 else None,
        )  # fmt: skip
        axes.text(
            row["cycles"], place + 0.2,
            f"  {row['speedup_over_dense']:.1f}x fewer, {row['utilisation']:.0%} utilised",
            va="center", fontsize=8, color=INK,
        )  # fmt: skip
    axes.set_yticks(list(places), [row["label"] for row in rows], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("cycles")
    axes.xaxis.set_major_formatter(lambda cycles, _: f"{cycles:,.0f}")
    axes.set_title(f"{title}\nweights: {source}", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", fontsize=8)
    save(figure, path)


def draw_levels(path: Path, rows: list[dict], *, source: str) -> None:
    """Stacked bars: for each array the share of zeros and of each level, from the top down."""
    from matplotlib import colormaps

    depth = max(len(levels) for row in rows for levels in row["levels"])
    # High enough for the bars and for the legend.
    figure = new_figure(10, max(0.22 * len(rows), 0.2 * depth) + 1.8)
    axes = figure.subplots()
    shades = colormaps["viridis"].resampled(depth + 1)
    for place, row in enumerate(rows):
        total = sum(row["levels"][0]) + row["zeros"][0]
        left = row["zeros"][0] / total
        axes.barh(place, left, color=DENSE, label="zero" if place == 0 else None)
        for level, count in enumerate(row["levels"][0]):
            share = count / total
            axes.barh(
                place, share, left=left, color=shades(level),
                label=f"$2^{{s-{level}}}$" if place == 0 else None,
            )  # fmt: skip
            left += share
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the weights")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"Levels of {source}", loc="left", fontsize=10)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    save(figure, path)
