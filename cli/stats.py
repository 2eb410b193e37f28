"""`zeroshift stats`: how weights are distributed, and how few bytes they take."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from cli.console import JsonOption, UsageError, console, progress_bar, write_json
from cli.lists import numbers, parts
from cli.pictures import draw_levels
from cli.quantization import Quantization
from cli.stats_pictures import draw_histograms
from cli.weight_statistics import NORMAL_LOG10_P, WeightStatistics, weight_statistics
from cli.weights import lookup, read_arrays
from golden.moments import LEAST
from golden.synthetic import DESCRIPTION, table_3_2_weights
from rfcn.layers import layer_table

EPILOG = """Examples:

zeroshift stats --checkpoint build/tiny/network.pt --plot build/stats

zeroshift stats --checkpoint resnet50.npz --layers res2b_branch2b,rpn_conv/3x3 --bits 4,5,6

zeroshift stats --net rfcn-resnet50 --bits 4 --method exact --json stats.json
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("stats", epilog=EPILOG)(stats_command)


def stats_command(
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Float weights: a training's checkpoint, a torch state dict or .npz."),
    ] = None,
    net: Annotated[
        str | None, typer.Option(help="Synthetic weights for this network's layers instead.")
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(help="Layers, separated by commas, each with a table of its levels; or all."),
    ] = None,
    bits: Annotated[str, typer.Option(help="Bits per weight, separated by commas.")] = "4,5,6",
    method: Annotated[str, typer.Option(help="Quantizer: lbw, exact or inq.")] = "lbw",
    per_channel: Annotated[bool, typer.Option(help="A scale per output channel.")] = False,
    seed: Annotated[int, typer.Option(help="Of synthetic weights.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw histograms and levels, PNG, into this folder.")
    ] = None,
    json_path: JsonOption = None,
) -> None:
    """Moments, a test of normality, levels and memory of every convolution's weights.

    The test is D'Agostino and Pearson's, as a decimal logarithm: log10 p. Memory is that of masks
    and codes in the array's weight stream, against 4 bytes a weight.
    """
    quantizers = {
        f"{width}-bit {method}": Quantization(bits=width, method=method, per_channel=per_channel)
        for width in numbers(bits, "--bits")
    }
    arrays, source = _arrays(checkpoint, net, seed)
    names = list(arrays) if layers is None else parts(layers, "--layers")
    for name in names:
        if name not in arrays:
            raise UsageError(
                f"{source} has no convolution {name!r} of at least {LEAST} weights; it has "
                f"{', '.join(list(arrays)[:6])}, ..."
            )
    with progress_bar() as bar:
        found = [
            weight_statistics(name, arrays[name](), quantizers)
            for name in bar.track(names, description="counting")
        ]
    write_json(
        json_path,
        {"weights": source, "method": method, "layers": [layer.report() for layer in found]},
    )
    if layers is not None:
        for layer in found:
            console.print(_levels_table(layer))
    console.print(_table(found, source))
    if plot is not None:
        pictures = _draw(plot, found, quantizers, source)
        console.print(f"pictures: {', '.join(map(str, pictures))}", highlight=False)


def _arrays(checkpoint: Path | None, net: str | None, seed: int):
    """For each layer's name a function that gives its weights, and what reports say of them."""
    if (checkpoint is None) == (net is None):
        raise UsageError("give either --checkpoint, or --net for synthetic weights")
    if net is not None:
        return {
            layer.name: lambda n=n, layer=layer: table_3_2_weights(
                layer.shape.weight_shape, seed=seed + n
            )
            for n, layer in enumerate(layer_table(net))
        }, DESCRIPTION
    assert checkpoint is not None
    arrays = read_arrays(checkpoint)
    found = [
        name.removesuffix("weight").rstrip("./") or name
        for name, array in arrays.items()
        if array.ndim == 4 and array.dtype.kind == "f" and array.size >= LEAST
    ]
    if not found:
        raise UsageError(
            f"{checkpoint} holds no float array of four axes (cout, cin, kernel height, kernel "
            f"width)"
        )

    def weights(name: str) -> np.ndarray:
        array = lookup(arrays, name)
        assert array is not None, "found under that name"
        return array

    return {name: lambda name=name: weights(name) for name in found}, str(checkpoint)


def _table(found: list[WeightStatistics], source: str) -> Table:
    table = Table(
        title=f"Weights: {source}",
        caption="kurtosis: excess over the normal distribution's; log10 p: of normality; "
        "density and bytes as against FP32 follow for each quantizer",
    )
    table.add_column("layer")
    for heading in ("weights", "deviation", "skewness", "kurtosis", "log10 p"):
        table.add_column(heading, justify="right")
    for column in found[0].quantized:
        table.add_column(column.name, justify="right")
    for layer in found:
        moments = layer.moments
        table.add_row(
            layer.name,
            f"{moments.count:,}",
            f"{moments.deviation:.4g}",
            f"{moments.skewness:.3f}",
            f"{moments.kurtosis:.3f}",
            f"{moments.log10_p:,.1f}",
            *(
                f"{column.density:.1%} {layer.float_bytes / column.bytes:.1f}x"
                for column in layer.quantized
            ),
        )
    count = sum(layer.moments.count for layer in found)
    floats = sum(layer.float_bytes for layer in found)
    totals = []
    for place in range(len(found[0].quantized)):
        columns = [layer.quantized[place] for layer in found]
        nonzeros = sum(
            c.density * layer.moments.count for c, layer in zip(columns, found, strict=True)
        )
        size = sum(column.bytes for column in columns)
        totals.append(f"{nonzeros / count:.1%} {floats / size:.1f}x")
    table.add_section()
    far = sum(layer.moments.log10_p < NORMAL_LOG10_P for layer in found)
    table.add_row(
        "all", f"{count:,}", "", "", "", f"{far} of {len(found)} < {NORMAL_LOG10_P:.0f}", *totals
    )
    return table


def _levels_table(layer: WeightStatistics) -> Table:
    """The layer's levels as in Tables 3.2 and 3.3."""
    table = Table(title=f"{layer.name}: share of the weights")
    table.add_column("magnitude")
    for column in layer.quantized:
        table.add_column(column.name, justify="right")
    table.add_column("32-bit float", justify="right")
    octaves = layer.octaves
    below = layer.zeros + sum(s for octave, s in layer.shares.items() if octave < octaves.start)
    table.add_row(
        f"|w| < 2^{octaves.start}", *(_share(c.zeros) for c in layer.quantized), _share(below)
    )
    for octave in octaves:
        table.add_row(
            f"2^{octave} <= |w| < 2^{octave + 1}",
            *(_share(column.shares.get(octave, 0.0)) for column in layer.quantized),
            _share(layer.shares.get(octave, 0.0)),
        )
    return table


def _share(share: float) -> str:
    return f"{share:.3%}" if share else "0"


def _draw(
    folder: Path,
    found: list[WeightStatistics],
    quantizers: dict[str, Quantization],
    source: str,
) -> list[Path]:
    pictures = [folder / "histograms.png"]
    draw_histograms(pictures[0], found, source=source)
    for place, (name, quantization) in enumerate(quantizers.items()):
        path = folder / f"levels-{quantization.bits}.png"
        rows = [
            {
                "name": layer.name,
                "levels": [layer.quantized[place].levels],
                "zeros": [layer.weights.size - sum(layer.quantized[place].levels)],
            }
            for layer in found
        ]
        draw_levels(path, rows, source=f"{source}, {name}")
        pictures.append(path)
    return pictures
