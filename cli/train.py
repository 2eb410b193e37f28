"""`zeroshift train`: a network from nothing, from a backbone, or quantized from a float network."""

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cli.beginning import Beginning
from cli.console import JsonOption, UsageError, console, errors, progress_bar, write_json
from cli.curves import draw_losses
from cli.datasets import DataOptions, read_data
from cli.extras import require_torch, set_threads
from cli.lists import numbers
from cli.recipes import (
    ActivationBitsOption,
    BitsOption,
    CalibratedMuOption,
    LevelsOption,
    MethodOption,
    MuOption,
    PerChannelOption,
    RecipeOptions,
    SparsityOption,
    TermsOption,
    WeightOptions,
    describe,
)
from rfcn.networks import find_network
from rfcn.quantized.settings import Recipe

if TYPE_CHECKING:
    from rfcn.training.trainer import Trainer

PICTURE = "losses.png"
"""The curve of the losses, in a training's folder."""

INTERRUPTED = 130
"""Exit status after Ctrl-C or SIGTERM, as a shell's."""

EPILOG = """Examples:

zeroshift train --net rfcn-tiny --data build/shapes --output build/tiny

zeroshift train --net rfcn-tiny --data build/shapes --output build/tiny --resume

zeroshift train --net rfcn-tiny --data build/shapes --output build/tiny-4 \\
    --start build/tiny/network.pt --bits 4

zeroshift train --data shapes --output tiny-2 --start tiny/network.pt --stages 0:4,200:3,400:2 \\
    --bits 2 --method exact

torchrun --nproc-per-node 4 -m cli.main train --net rfcn-resnet50 --data VOCdevkit \\
    --backbone resnet50.pth --output resnet50 --batch 8 --learning-rate 0.004 --mixed-precision
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("train", epilog=EPILOG)(train_command)


def train_command(
    data: Annotated[Path, typer.Option(help="Folder with the data set in VOC's layout.")],
    output: Annotated[Path, typer.Option(help="Folder for checkpoint, losses and network.")],
    net: Annotated[str | None, typer.Option(help="Network (rfcn-tiny).")] = None,
    years: Annotated[
        str | None, typer.Option(help="Of the data: 07, 12 or 07+12 (that for VOC's classes).")
    ] = None,
    split: Annotated[str, typer.Option(help="Of the data: train, val or trainval.")] = "trainval",
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint in --output.")] = False,
    start: Annotated[
        Path | None, typer.Option(help="Begin with this trained network's weights.")
    ] = None,
    backbone: Annotated[
        Path | None, typer.Option(help="Begin with this ResNet: torchvision's or Caffe's names.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(help="Steps.")] = None,
    batch: Annotated[int | None, typer.Option(help="Images a step, over all processes.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="After the warm-up.")] = None,
    schedule: Annotated[str | None, typer.Option(help="Of the rate: steps or cosine.")] = None,
    drops: Annotated[
        str | None, typer.Option(help="For steps: iterations at which the rate falls to a tenth.")
    ] = None,
    warm_up: Annotated[int | None, typer.Option(help="Iterations of rising rate.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="Of the descent: sgd or nadam.")] = None,
    momentum: Annotated[float | None, typer.Option(help="Of the descent.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Of the descent.")] = None,
    clip: Annotated[float | None, typer.Option(help="Largest norm of the gradient.")] = None,
    flips: Annotated[bool | None, typer.Option(help="Also take mirrored images.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and draws (0).")] = None,
    bits: BitsOption = None,
    levels: LevelsOption = None,
    method: MethodOption = None,
    per_channel: PerChannelOption = False,
    mu: MuOption = None,
    calibrated_mu: CalibratedMuOption = False,
    sparsity: SparsityOption = None,
    terms: TermsOption = None,
    affine: Annotated[bool, typer.Option(help="Train a scale and offset of each layer.")] = False,
    activation_bits: ActivationBitsOption = None,
    activation_start: Annotated[
        int, typer.Option(help="First iteration with quantized activations (two stages).")
    ] = 0,
    stages: Annotated[
        str | None, typer.Option(help="Progressive bits of the weights: 0:6,200:5,400:4.")
    ] = None,
    guide: Annotated[
        str | None,
        typer.Option(help="Layers on whose maps a float twin gives hints: conv_new_1,..."),
    ] = None,
    guide_weight: Annotated[float, typer.Option(help="Factor of the hints.")] = 1.0,
    blend: Annotated[
        float, typer.Option(help="Rho of blended coarse gradients, 0 for none.")
    ] = 0.0,
    prune: Annotated[float | None, typer.Option(help="Share of groups to prune.")] = None,
    prune_group: Annotated[str, typer.Option(help="FILTERSxPOSITIONS of a group.")] = "1x1",
    prune_start: Annotated[int, typer.Option(help="Iteration of the pruning.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    mixed_precision: Annotated[
        bool | None, typer.Option(help="Half precision where it is safe, on a GPU.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Of the CPU, for computing.")] = 1,
    loaders: Annotated[int, typer.Option(help="Threads that load images ahead.")] = 0,
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 500,
    json_path: JsonOption = None,
) -> None:
    """Train a detector, float or with power-of-two weights.

    Ctrl-C writes a checkpoint first; --resume then goes on to the same result. --output gets
    checkpoint.pt, losses.csv, losses.png and, in the end, network.pt.
    """
    if checkpoint_every < 1:
        raise UsageError(f"--checkpoint-every is {checkpoint_every}, but must be at least 1")
    if loaders < 0:
        raise UsageError(f"--loaders is {loaders}, but must be at least 0")
    require_torch("train")
    begin = Beginning(output=output, resume=resume, start=start, backbone=backbone)
    recipe = RecipeOptions(
        weights=WeightOptions(
            bits=bits, levels=levels, method=method, per_channel=per_channel, mu=mu,
            calibrated_mu=calibrated_mu, sparsity=sparsity, terms=terms, affine=affine,
        ),
        activation_bits=activation_bits, activation_start=activation_start, stages=stages,
        guide=guide, guide_weight=guide_weight, blend=blend, prune=prune,
        prune_group=prune_group, prune_start=prune_start,
    ).recipe()  # fmt: skip
    changes = {
        "net": net, "iterations": iterations, "batch": batch, "learning_rate": learning_rate,
        "schedule": schedule,
        "drops": None if drops is None else tuple(numbers(drops, "--drops")),
        "warm_up": warm_up, "optimizer": optimizer, "momentum": momentum,
        "weight_decay": weight_decay, "clip": clip, "flips": flips,
        "mixed_precision": mixed_precision, "seed": seed,
    }  # fmt: skip
    set_threads(threads)
    finished = _train(
        begin,
        {name: value for name, value in changes.items() if value is not None},
        recipe,
        data=DataOptions(folder=data, years=years, split=split),
        device=device,
        loaders=loaders,
        checkpoint_every=checkpoint_every,
        json_path=json_path,
    )
    if not finished:
        raise typer.Exit(INTERRUPTED)


def _train(
    begin: Beginning,
    changes: dict[str, Any],
    recipe: Recipe,
    *,
    data: DataOptions,
    device: str,
    loaders: int,
    checkpoint_every: int,
    json_path: Path | None,
) -> bool:
    """Train, and tell how it went; whether all steps are done."""
    from rfcn.training.processes import join_processes
    from rfcn.training.trainer import CHECKPOINT_FILE, Trainer

    checkpoint, config, recipe = begin.settings(changes, recipe)
    with join_processes(device) as processes:
        show = processes.first
        samples = read_data(data, find_network(config.net), show=show)
        trainer = Trainer(
            config, samples, recipe=recipe, initialize=partial(begin.initialize, checkpoint),
            processes=processes, ahead=loaders,
        )  # fmt: skip
        if checkpoint is not None and begin.resume:
            trainer.resume(checkpoint, begin.output / CHECKPOINT_FILE)
        begun = time.monotonic()
        finished = _run(trainer, begin.output, checkpoint_every, show=show)
        if show:
            report = _report(trainer, begin, data, seconds=time.monotonic() - begun)
            write_json(json_path, report)
            console.print(_table(report))
            if not finished:
                errors.print(
                    f"interrupted; the same command with --resume goes on from step {trainer.done}"
                )
    return finished


def _run(trainer: "Trainer", output: Path, checkpoint_every: int, *, show: bool) -> bool:
    """Train with a progress bar, or lines where there is no terminal."""
    from rfcn.training.losslog import COLUMNS

    total = trainer.config.iterations
    latest: dict[str, float] = {}

    def saved() -> None:
        draw_losses(output / PICTURE, trainer.log.rows, COLUMNS, title=_title(trainer))
        if not errors.is_terminal:
            errors.print(f"step {trainer.done} of {total}, {_text(latest)}", highlight=False)

    with progress_bar(show=show) as bar:
        task = bar.add_task("training", total=total, completed=trainer.done)

        def progress(done: int, losses: dict[str, float]) -> None:
            latest.update(losses)
            bar.update(task, completed=done, description=_text(losses))

        return trainer.run(
            output, checkpoint_every=checkpoint_every, progress=progress, saved=saved
        )


def _text(losses: dict[str, float]) -> str:
    parts = " ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in losses.items())
    return f"loss {sum(losses.values()):.2f} ({parts})"


def _title(trainer: "Trainer") -> str:
    return f"{trainer.config.net}, {describe(trainer.recipe)}"


def _report(trainer: "Trainer", begin: Beginning, data: DataOptions, *, seconds: float) -> dict:
    rows = trainer.log.rows
    # The third column is the sum of the parts.
    return {
        **trainer.config.state(),
        "data": str(data.folder),
        "images": len(trainer.batches.samples),
        "weights": describe(trainer.recipe),
        "recipe": trainer.recipe.as_dict(),
        "steps": trainer.done,
        "loss": rows[-1][2] if rows else None,
        "seconds": seconds,
        "device": str(trainer.device),
        "output": str(begin.output),
    }


def _table(report: dict) -> Table:
    loss = "too few steps to tell" if report["loss"] is None else f"{report['loss']:.3f}"
    table = Table(title=f"training of {report['net']}", show_header=False)
    for name, value in (
        ("weights", report["weights"]),
        ("images", f"{report['images']:,} of {report['data']}"),
        ("steps", f"{report['steps']:,} of {report['iterations']:,}, "
                  f"{report['batch']} images each, on {report['device']}"),
        ("loss", loss),
        ("time", f"{report['seconds']:.0f} s"),
        ("files", f"{report['output']}"),
    ):  # fmt: skip
        table.add_row(name, value)
    return table
