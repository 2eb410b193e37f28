"""Histograms of weights beside the normal distribution of their mean and deviation: Fig. 3.2."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cli.pictures import BOUND, INK, SPARSE, new_figure, save
from cli.weight_statistics import WeightStatistics

LEAST_BINS, MOST_BINS = 15, 101
"""Bars of a histogram: about two for each cube root of the weights' number."""

REACH = 6.0
"""Standard deviations that a histogram reaches to either side; bars at its ends hold the rest."""


def draw_histograms(path: Path, layers: Sequence[WeightStatistics], *, source: str) -> None:
    """Draw one histogram for each layer.

    Parameters
    ----------
    path : the picture.
    layers : at least one.
    source : where the weights come from.
    """
    columns = min(4, len(layers))
    rows = -(-len(layers) // columns)
    figure = new_figure(4.2 * columns, 2.7 * rows + 0.7)
    axes = figure.subplots(rows, columns, squeeze=False)
    for place, axis in enumerate(axes.flat):
        if place < len(layers):
            _draw_histogram(axis, layers[place])
        else:
            axis.set_axis_off()
    axes.flat[0].legend(frameon=False, fontsize=7, loc="upper right")
    figure.suptitle(f"Weights: {source}", x=0.01, ha="left", fontsize=10)
    save(figure, path)


def _draw_histogram(axis, layer: WeightStatistics) -> None:
    moments = layer.moments
    reach = min(REACH, float(np.abs(layer.weights - moments.mean).max()) / moments.deviation)
    bins = min(max(round(2 * moments.count ** (1 / 3)), LEAST_BINS), MOST_BINS)
    edges = moments.mean + moments.deviation * np.linspace(-reach, reach, bins + 1)
    values = np.clip(layer.weights.reshape(-1), edges[0], edges[-1])
    counts, _ = np.histogram(values, edges)
    density = counts / (moments.count * (edges[1] - edges[0]))
    axis.stairs(density, edges, fill=True, color=SPARSE, label="weights")
    x = np.linspace(edges[0], edges[-1], 201)
    normal = np.exp(-0.5 * ((x - moments.mean) / moments.deviation) ** 2)
    normal /= moments.deviation * np.sqrt(2 * np.pi)
    axis.plot(x, normal, color=BOUND, linewidth=1.2, label="normal")
    axis.set_title(
        f"{layer.name}\nkurtosis {moments.kurtosis:.3f}, skewness {moments.skewness:.3f}, "
        f"log10 p {moments.log10_p:.1f}",
        fontsize=7.5, loc="left", color=INK,
    )  # fmt: skip
    axis.set_yticks([])
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right", "left"]].set_visible(False)
