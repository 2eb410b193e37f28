"""`zeroshift export`: a trained network as integers, for the compiler, simulator and host."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.table import Table

from cli.console import JsonOption, UsageError, console, progress_bar, write_json
from cli.datasets import DataOptions, read_data
from cli.extras import require_torch, set_threads
from cli.image_files import image_files
from cli.layers import parse_size
from cli.recipes import (
    BitsOption,
    CalibratedMuOption,
    LevelsOption,
    MethodOption,
    MuOption,
    PerChannelOption,
    SparsityOption,
    TermsOption,
    WeightOptions,
    describe,
)
from golden.calibration import STEP_METHODS
from golden.layer import IntegerConv
from golden.network import IntegerNetwork
from golden.network_files import write_network
from rfcn.data.images import load_image, prepare
from rfcn.networks import Network
from rfcn.quantized.settings import ActivationSettings

if TYPE_CHECKING:
    from rfcn.model.network import RFCN
    from rfcn.quantized.settings import Recipe

EPILOG = """Examples:

zeroshift export --checkpoint build/tiny/network.pt --data build/shapes --bits 4 -o build/net.npz

zeroshift export --checkpoint build/tiny-4/network.pt --images photos -o build/net.npz
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("export", epilog=EPILOG)(export_command)


def export_command(
    checkpoint: Annotated[Path, typer.Option(help="Network or checkpoint of a training.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The network: a .npz file, with a .json beside it."),
    ],
    data: Annotated[
        Path | None, typer.Option(help="Calibrate on images of this data set in VOC's layout.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Calibrate on the images in this folder.")
    ] = None,
    years: Annotated[str | None, typer.Option(help="Of the data: 07, 12 or 07+12.")] = None,
    split: Annotated[str, typer.Option(help="Of the data: train, val or trainval.")] = "train",
    count: Annotated[int, typer.Option(help="Images to calibrate on, at most.")] = 32,
    size: Annotated[
        str | None, typer.Option(help="Size of image, HxW; the network's usual one if not given.")
    ] = None,
    bits: BitsOption = None,
    levels: LevelsOption = None,
    method: MethodOption = None,
    per_channel: PerChannelOption = False,
    mu: MuOption = None,
    calibrated_mu: CalibratedMuOption = False,
    sparsity: SparsityOption = None,
    terms: TermsOption = None,
    activation_bits: Annotated[
        int | None, typer.Option(help="Bits per activation, 4 to 8 (8).")
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(help=f"How the steps of maps are found: {' or '.join(STEP_METHODS)} (mse)."),
    ] = None,
    power_of_two: Annotated[bool, typer.Option(help="Steps of maps are powers of two.")] = False,
    threads: Annotated[int, typer.Option(help="Of the CPU, for computing.")] = 1,
    json_path: JsonOption = None,
) -> None:
    """Fold a trained network into integers and write it as a pair of files.

    Weights and activations that were trained quantized stay as they are. Others are quantized
    here: weights as the options say, activations in the steps that suit the calibration images.
    """
    weights = WeightOptions(
        bits=bits, levels=levels, method=method, per_channel=per_channel, mu=mu,
        calibrated_mu=calibrated_mu, sparsity=sparsity, terms=terms,
    ).settings()  # fmt: skip
    activations = _activations(activation_bits, steps, power_of_two)
    if output.suffix not in (".npz", ".json"):
        raise UsageError(f"--output is {output}, but must end in .npz")
    if count < 1:
        raise UsageError(f"--count is {count}, but must be at least 1")
    require_torch("export")
    from rfcn.export.export import export

    set_threads(threads)
    model, recipe = _trained(checkpoint)
    height, width = parse_size(size, "--size") if size else (None, None)
    if recipe.weights is None and weights is None:
        raise UsageError(f"{checkpoint} has float weights: give --bits or --levels")
    with progress_bar() as bar:
        task = bar.add_task("exporting", total=1 + len(model.convolutions))
        network = export(
            model,
            images=_images(model.network, data, images, DataOptions(
                folder=data or Path(), years=years, split=split), count),
            weights=weights, activations=activations, height=height, width=width,
            origin=f"{checkpoint}, {describe(recipe)}", progress=lambda step: bar.advance(task),
        )  # fmt: skip
    write_network(output, network)
    report = _report(network, output)
    write_json(json_path, report)
    console.print(_table(report))
    console.print(f"network: {output.with_suffix('.npz')}, {output.with_suffix('.json')}",
                  highlight=False)  # fmt: skip


def _activations(
    bits: int | None, steps: str | None, power_of_two: bool
) -> ActivationSettings | None:
    """The settings of the activations; None where no option asks for any."""
    if bits is None and steps is None and not power_of_two:
        return None
    return ActivationSettings(
        bits=8 if bits is None else bits, method=steps or STEP_METHODS[0], power_of_two=power_of_two
    )


def _trained(path: Path) -> "tuple[RFCN, Recipe]":
    from rfcn.training.checkpoints import read_checkpoint
    from rfcn.training.trained import trained_network

    model, quantized = trained_network(read_checkpoint(path), path)
    return model, quantized.recipe


def _images(
    network: Network, data: Path | None, folder: Path | None, options: DataOptions, count: int
) -> list[np.ndarray]:
    """The images to calibrate on, spread evenly over all there are; none if none are given."""
    if data is not None and folder is not None:
        raise UsageError("give either --data or --images to calibrate on")
    if data is not None:
        paths = [sample.path for sample in read_data(options, network)]
    elif folder is not None:
        paths = image_files(folder)
    else:
        return []
    chosen = [paths[n * len(paths) // count] for n in range(count)] if count < len(paths) else paths
    return [prepare(load_image(path), network)[0] for path in chosen]


def _report(network: IntegerNetwork, output: Path) -> dict:
    return {
        "net": network.net,
        "image": list(network.input.shape[1:]),
        "origin": network.origin,
        "quantization": dict(network.quantization),
        "input_scale": network.input.scale,
        "bytes": sum(output.with_suffix(kind).stat().st_size for kind in (".npz", ".json")),
        "layers": [
            {
                "name": node.name,
                "weights": layer.shape.weights,
                "density": layer.density,
                "bits": node.format.bits,
                "signed": node.format.signed,
                "scale": node.scale,
            }
            for node, layer in ((node, node.layer) for node in network.nodes)
            if isinstance(layer, IntegerConv)
        ],
    }


def _table(report: dict) -> Table:
    height, width = report["image"]
    table = Table(title=f"{report['net']} in integers at {height}x{width}")
    table.add_column("layer")
    for heading in ("weights", "density", "output", "step"):
        table.add_column(heading, justify="right")
    for layer in report["layers"]:
        table.add_row(
            layer["name"],
            f"{layer['weights']:,}",
            f"{layer['density']:.1%}",
            f"{'signed' if layer['signed'] else 'unsigned'} {layer['bits']}-bit",
            f"{layer['scale']:.4g}",
        )
    weights = sum(layer["weights"] for layer in report["layers"])
    nonzeros = sum(layer["weights"] * layer["density"] for layer in report["layers"])
    table.add_section()
    table.add_row(
        "all", f"{weights:,}", f"{nonzeros / weights:.1%}", f"{report['bytes']:,} bytes", ""
    )
    return table
