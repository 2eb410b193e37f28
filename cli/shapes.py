"""`zeroshift shapes`: the rendered-shapes data set, in VOC's layout."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from cli.boxes import Panel, check_picture, draw_panels
from cli.console import JsonOption, console, progress_bar, write_json
from rfcn.data.batches import load_sample
from rfcn.data.shapes import PARTS, YEAR, ShapesSettings, write_shapes
from rfcn.data.voc import VocDataset
from rfcn.networks import SHAPE_CLASSES

PREVIEW_COLUMNS, PREVIEW_ROWS = 6, 4
"""Images of a preview."""

PREVIEW_WIDTH = 256
"""Pixels of an image of a preview across."""

EPILOG = """Examples:

zeroshift shapes build/shapes

zeroshift shapes build/shapes --preview build/shapes.png

zeroshift shapes build/few --train 200 --val 0 --test 50 --seed 1
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("shapes", epilog=EPILOG)(shapes_command)


def shapes_command(
    folder: Annotated[Path, typer.Argument(help="Folder of its own for the data set.")],
    train: Annotated[int, typer.Option(help="Images to train on.")] = ShapesSettings.train,
    val: Annotated[int, typer.Option(help="Images to validate with.")] = ShapesSettings.val,
    test: Annotated[int, typer.Option(help="Images to test with.")] = ShapesSettings.test,
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = ShapesSettings.seed,
    size: Annotated[
        int, typer.Option(help="Height and width in pixels, 70 to 4096.")
    ] = ShapesSettings.size,
    preview: Annotated[
        Path | None, typer.Option(help="Picture of some images with their boxes (PNG or JPEG).")
    ] = None,
    json_path: JsonOption = None,
) -> None:
    """Render images of six shapes on cluttered, noisy ground, to train and test detectors on.

    The folder gets VOCdevkit/VOC2007 as PASCAL VOC has it. The same settings give the same images;
    a data set that is there already is kept.
    """
    if preview is not None:
        check_picture(preview)
    settings = ShapesSettings(train=train, val=val, test=test, seed=seed, size=size)
    with progress_bar() as bar:
        task = bar.add_task("rendering", total=None)
        written = write_shapes(
            folder, settings,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
        splits = {
            part: VocDataset(folder, YEAR, part, SHAPE_CLASSES)
            for part in PARTS
            if settings.names(part)
        }
    if preview is not None:
        draw_preview(preview, next(iter(splits.values())))
    counts = {part: _counts(split) for part, split in splits.items()}
    write_json(
        json_path,
        {"folder": str(folder), "written": written, **asdict(settings), "splits": counts},
    )
    console.print(_table(counts))
    console.print(
        f"{folder}: {'written' if written else 'was there already, with these settings'}",
        highlight=False,
    )
    if preview is not None:
        console.print(f"picture: {preview} (dashes: difficult)", highlight=False)


def draw_preview(path: Path, samples: VocDataset) -> None:
    """Draw the first images of a split with their boxes; difficult ones have dashes."""
    panels = [
        Panel(
            image=load_sample(sample),
            boxes=sample.boxes,
            labels=sample.labels,
            classes=samples.classes,
            difficult=sample.difficult,
        )
        for sample in samples[: PREVIEW_COLUMNS * PREVIEW_ROWS]
    ]
    draw_panels(path, panels, columns=min(PREVIEW_COLUMNS, len(panels)), width=PREVIEW_WIDTH)


def _counts(split: VocDataset) -> dict[str, int]:
    """Images and objects of a split, and how many objects there are of each class."""
    labels = np.concatenate([sample.labels for sample in split])
    difficult = sum(int(sample.difficult.sum()) for sample in split)
    of_class = np.bincount(labels, minlength=1 + len(SHAPE_CLASSES))[1:].tolist()
    return {
        "images": len(split),
        "objects": len(labels),
        "difficult": difficult,
        **dict(zip(SHAPE_CLASSES, of_class, strict=True)),
    }


def _table(counts: dict[str, dict[str, int]]) -> Table:
    table = Table(title="Rendered shapes")
    table.add_column("split")
    for name in next(iter(counts.values())):
        table.add_column(name, justify="right")
    for part, numbers in counts.items():
        table.add_row(part, *(f"{number:,}" for number in numbers.values()))
    return table
