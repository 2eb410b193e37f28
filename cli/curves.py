"""The curve of a training's losses."""

from collections.abc import Sequence
from pathlib import Path

from cli.pictures import BOUND, INK, SPARSE, new_figure, save

PART_COLOURS = ("#9bb8cc", "#e3c193", SPARSE, BOUND, "#8a8f98")
"""Of the parts of the loss."""


def draw_losses(
    path: Path, rows: Sequence[Sequence[float]], columns: Sequence[str], *, title: str
) -> None:
    """Draw the losses and the learning rate over the steps; nothing before the first row.

    Parameters
    ----------
    path : picture to write.
    rows : of the log: step, learning rate, loss, then its parts.
    columns : their names.
    title : of the picture.
    """
    if not rows:
        return
    steps, rates, *losses = zip(*rows, strict=True)
    figure = new_figure(8, 5)
    above, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    for values, name, colour in zip(losses, columns[2:], (INK, *PART_COLOURS), strict=True):
        above.plot(steps, values, label=name.replace("_", " "), color=colour, linewidth=1.2)
    above.set_ylabel("loss")
    above.set_ylim(bottom=0)
    above.set_title(title, color=INK)
    above.legend(frameon=False, ncols=6, fontsize=8)
    below.plot(steps, rates, color=INK, linewidth=1.2)
    below.set_ylabel("learning rate")
    below.set_ylim(bottom=0)
    below.set_xlabel("step")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)
