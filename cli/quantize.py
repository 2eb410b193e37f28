"""`zeroshift quantize`: float weights to zeros and powers of two."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from cli.console import JsonOption, UsageError, console, progress_bar, write_json
from cli.pictures import draw_levels
from cli.quantization import Quantization
from cli.weights import quantized_arrays
from golden.array_files import read_arrays
from golden.files import replacing
from golden.quantize import relative_error
from golden.synthetic import DESCRIPTION, table_3_2_weights
from golden.weights import PowerOfTwoWeights, TwoTermWeights
from rfcn.layers import layer_table

EPILOG = """Examples:

zeroshift quantize weights.npz -o quantized.npz --bits 4

zeroshift quantize resnet50.pt -o quantized.npz --bits 6 --method exact --plot levels.png

zeroshift quantize --net rfcn-resnet50 --bits 4 --json figures.json
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("quantize", epilog=EPILOG)(quantize_command)


def quantize_command(
    weights: Annotated[
        Path | None,
        typer.Argument(help="Float weights: .npz, .npy or a torch state dict."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Quantized weights, a .npz file.")
    ] = None,
    net: Annotated[
        str | None, typer.Option(help="Synthetic weights for this network's layers instead.")
    ] = None,
    bits: Annotated[int, typer.Option(help="Bits per weight, 2 to 6.")] = 4,
    levels: Annotated[
        int | None, typer.Option(help="Magnitudes of a weight, instead of 2^(bits-2).")
    ] = None,
    method: Annotated[str, typer.Option(help="Quantizer: lbw, exact or inq.")] = "lbw",
    mu: Annotated[
        float | None, typer.Option(help="lbw's mu as a share of the largest weight (0.75).")
    ] = None,
    all_sums: Annotated[
        bool, typer.Option(help="Sum (2.9) over all levels, not the paper's first four.")
    ] = False,
    per_channel: Annotated[bool, typer.Option(help="A scale per output channel.")] = False,
    sparsity: Annotated[
        float, typer.Option(help="For exact: from its own density (0) to that of lbw (1).")
    ] = 0.0,
    terms: Annotated[int, typer.Option(help="Powers of two per weight, 1 or 2.")] = 1,
    seed: Annotated[int, typer.Option(help="Of synthetic weights.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Picture of the levels of every array (PNG or SVG).")
    ] = None,
    json_path: JsonOption = None,
) -> None:
    """Quantize every convolution's weights, and tell densities, errors and levels.

    Arrays of four axes (cout, cin, kernel height, kernel width) are quantized, others left out.
    """
    quantization = Quantization(
        bits=bits, levels=levels, method=method, mu=mu, all_sums=all_sums,
        per_channel=per_channel, sparsity=sparsity, terms=terms,
    )  # fmt: skip
    arrays, source = _arrays(weights, net, seed)
    results: dict[str, PowerOfTwoWeights | TwoTermWeights] = {}
    rows = []
    with progress_bar() as bar:
        for name in bar.track(arrays, description="quantizing"):
            floats = arrays[name]()
            quantized = quantization.apply(floats)
            rows.append(_figures(name, floats, quantized))
            results[name] = quantized
    if output is not None:
        with replacing(output) as temporary, temporary.open("wb") as file:
            kept: dict[str, Any] = {}
            for name, result in results.items():
                kept |= quantized_arrays(name, result)
            np.savez_compressed(file, **kept)
    if plot is not None:
        draw_levels(plot, rows, source=source)
    write_json(json_path, {"weights": source, **quantization.report(), "arrays": rows})
    console.print(_table(rows, source))


def _arrays(weights: Path | None, net: str | None, seed: int):
    """For each array's name a function that gives it, and what reports say of the source."""
    if weights is not None and net is None:
        found = {
            name: array
            for name, array in read_arrays(weights).items()
            if array.ndim == 4 and array.dtype.kind == "f"
        }
        if not found:
            raise UsageError(
                f"{weights} holds no float array of four axes "
                f"(cout, cin, kernel height, kernel width)"
            )
        return {name: lambda array=array: array for name, array in found.items()}, str(weights)
    if net is not None and weights is None:
        return {
            layer.name: lambda n=n, layer=layer: table_3_2_weights(
                layer.shape.weight_shape, seed=seed + n
            )
            for n, layer in enumerate(layer_table(net))
        }, DESCRIPTION
    raise UsageError("give either a file of weights or --net for synthetic ones")


def _figures(name: str, floats: np.ndarray, quantized: PowerOfTwoWeights | TwoTermWeights) -> dict:
    terms = quantized.terms if isinstance(quantized, TwoTermWeights) else (quantized,)
    return {
        "name": name,
        "shape": list(floats.shape),
        "nonzeros": quantized.nonzeros,
        "density": quantized.density,
        "relative_error": relative_error(floats, quantized),
        "levels": [term.level_counts()[:-1].tolist() for term in terms],
        "zeros": [int(term.level_counts()[-1]) for term in terms],
        "scale": [term.scale.tolist() for term in terms],
    }


def _table(rows: list[dict], source: str) -> Table:
    table = Table(title=f"Weights: {source}", caption="error: ||Wq - W||^2 / ||W||^2")
    for name in ("array", "shape", "nonzeros", "density", "error", "s"):
        justify = "left" if name in ("array", "shape") else "right"
        table.add_column(name, justify=justify)
    for row in rows:
        scales = [
            str(scale) if isinstance(scale, int) else f"{min(scale)}..{max(scale)}"
            for scale in row["scale"]
        ]
        table.add_row(
            row["name"],
            "x".join(map(str, row["shape"])),
            f"{row['nonzeros']:,}",
            f"{row['density']:.1%}",
            f"{row['relative_error']:.4f}",
            ", ".join(scales),
        )
    weights = sum(int(np.prod(row["shape"])) for row in rows)
    nonzeros = sum(row["nonzeros"] for row in rows)
    table.add_section()
    table.add_row("all", f"{weights:,}", f"{nonzeros:,}", f"{nonzeros / weights:.1%}", "", "")
    return table
