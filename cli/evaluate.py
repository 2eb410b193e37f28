"""`zeroshift evaluate`: the mean average precision of a trained network."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import JsonOption, UsageError, console, progress_bar, write_json
from cli.datasets import DataOptions, read_data
from cli.detectors import describe_integers
from cli.extras import require_torch, set_threads
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
from golden.network_files import read_network
from rfcn.data.evaluation import METRICS, Evaluation
from rfcn.data.voc import Sample
from rfcn.integer import IntegerDetector
from rfcn.networks import Network
from rfcn.quantized.settings import Recipe

if TYPE_CHECKING:
    from rfcn.model.network import RFCN

EPILOG = """Examples:

zeroshift evaluate --checkpoint build/tiny/network.pt --data build/shapes

zeroshift evaluate --checkpoint build/tiny/network.pt --data build/shapes --bits 4 --method exact

zeroshift evaluate --network build/tiny-4/integer.npz --data build/shapes

zeroshift evaluate --checkpoint resnet50/network.pt --data VOCdevkit --json map.json
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("evaluate", epilog=EPILOG)(evaluate_command)


def evaluate_command(
    data: Annotated[Path, typer.Option(help="Folder with the data set in VOC's layout.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="Network or checkpoint of a training; needs torch.")
    ] = None,
    network: Annotated[
        Path | None, typer.Option(help="Integer network of `zeroshift export`, .npz.")
    ] = None,
    net: Annotated[
        str | None, typer.Option(help="Network that the checkpoint has to be of.")
    ] = None,
    years: Annotated[str | None, typer.Option(help="Of the data: 07, 12 or 07+12.")] = None,
    split: Annotated[str, typer.Option(help="Of the data: test, val, ...")] = "test",
    metric: Annotated[
        str, typer.Option(help=f"Average precision: {' or '.join(METRICS)}.")
    ] = METRICS[0],
    images: Annotated[int | None, typer.Option(help="Take only the first so many.")] = None,
    bits: BitsOption = None,
    levels: LevelsOption = None,
    method: MethodOption = None,
    per_channel: PerChannelOption = False,
    mu: MuOption = None,
    calibrated_mu: CalibratedMuOption = False,
    sparsity: SparsityOption = None,
    terms: TermsOption = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(help="Of the CPU, for computing.")] = 1,
    json_path: JsonOption = None,
) -> None:
    """Detect on all images of a split and tell the mean average precision (mAP).

    A network runs as it was trained, float or quantized. With --bits or --levels a float network
    is quantized without retraining.
    """
    if metric not in METRICS:
        raise UsageError(f"--metric is {metric!r}, but must be one of {', '.join(METRICS)}")
    if images is not None and images < 1:
        raise UsageError(f"--images is {images}, but must be at least 1")
    weights = WeightOptions(
        bits=bits, levels=levels, method=method, per_channel=per_channel, mu=mu,
        calibrated_mu=calibrated_mu, sparsity=sparsity, terms=terms,
    ).settings()  # fmt: skip
    if (checkpoint is None) == (network is None):
        raise UsageError("give either --checkpoint or --network")
    if network is not None:
        if weights is not None:
            raise UsageError("--network is quantized already: leave out the settings of weights")
        ready = _integer(network, metric)
    else:
        assert checkpoint is not None
        ready = _trained(checkpoint, net, Recipe(weights=weights), metric, device, threads)
    options = DataOptions(folder=data, years=years, split=split)
    samples = read_data(options, ready.network)[:images]
    begun = time.monotonic()
    with progress_bar() as bar:
        task = bar.add_task("evaluating", total=len(samples))
        results = ready.evaluate(samples, lambda done, _: bar.update(task, completed=done))
    report = {
        "net": ready.network.name,
        "checkpoint": str(checkpoint or network),
        "weights": ready.weights,
        "recipe": ready.recipe,
        "data": str(data),
        "split": split,
        "images": len(samples),
        "metric": metric,
        "mean": {str(result.iou): result.mean for result in results},
        "classes": {
            entry.name: {str(result.iou): result.classes[index].average_precision
                         for result in results}
            for index, entry in enumerate(results[0].classes)
        },
        "seconds": time.monotonic() - begun,
        "device": ready.device,
    }  # fmt: skip
    write_json(json_path, report)
    console.print(_table(report))


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """A network that can be evaluated; `evaluate` takes samples and a callback for progress."""

    network: Network
    weights: str
    recipe: dict
    device: str
    evaluate: Callable[[Sequence[Sample], Callable[[int, int], None]], Sequence[Evaluation]]


def _integer(path: Path, metric: str) -> _Ready:
    detector = IntegerDetector(read_network(path))
    return _Ready(
        network=detector.description,
        weights=f"integers, {describe_integers(detector.network)}",
        recipe=dict(detector.network.quantization),
        device="numpy",
        evaluate=lambda samples, progress: detector.evaluate(
            samples, metric=metric, progress=progress
        ),
    )


def _trained(
    path: Path, net: str | None, asked: Recipe, metric: str, device: str, threads: int
) -> _Ready:
    require_torch("evaluate --checkpoint")
    from rfcn.training.evaluator import evaluate_model
    from rfcn.training.processes import choose_device

    set_threads(threads)
    place = choose_device(device)
    model, recipe = _network(path, net, asked)
    return _Ready(
        network=model.network,
        weights=describe(recipe),
        recipe=recipe.as_dict(),
        device=str(place),
        evaluate=lambda samples, progress: evaluate_model(
            model.to(place), samples, metric=metric, progress=progress
        ),
    )


def _network(path: Path, net: str | None, asked: Recipe) -> tuple["RFCN", Recipe]:
    """The network of a checkpoint, quantized as it was trained or as asked."""
    from rfcn.quantized.training import QuantizedTraining
    from rfcn.training.checkpoints import read_checkpoint
    from rfcn.training.trained import trained_network

    checkpoint = read_checkpoint(path, net=net)
    model, quantized = trained_network(checkpoint, path)
    if asked == Recipe():
        return model, quantized.recipe
    if quantized.recipe != Recipe():
        raise UsageError(
            f"{path} is quantized already ({describe(quantized.recipe)}): give the float network "
            f"to quantize it otherwise"
        )
    QuantizedTraining(model, asked)
    return model, asked


def _table(report: dict) -> Table:
    table = Table(
        title=f"{report['net']}, {report['weights']}: {report['metric']} average precision of "
        f"{report['images']:,} images in percent"
    )
    table.add_column("class")
    for overlap in report["mean"]:
        table.add_column(f"IoU {overlap}", justify="right")
    for name, values in report["classes"].items():
        table.add_row(name, *(f"{100 * value:.2f}" for value in values.values()))
    table.add_section()
    table.add_row("mean", *(f"{100 * value:.2f}" for value in report["mean"].values()))
    return table
