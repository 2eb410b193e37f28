"""`zeroshift detect`: what a network finds on images, drawn, floats and integers side by side."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from cli.boxes import Panel, check_picture, draw_panels
from cli.console import JsonOption, UsageError, console, progress_bar, write_json
from cli.extras import require_torch, set_threads
from golden.network_files import read_network
from rfcn.boxes.detections import Detections, detect
from rfcn.data.images import load_image, prepare
from rfcn.integer import IntegerDetector
from rfcn.networks import Network

EPILOG = """Examples:

zeroshift detect photo.jpg --checkpoint build/tiny/network.pt -o out.png

zeroshift detect a.png b.png --checkpoint build/tiny/network.pt --network build/net.npz -o out.png
"""


@dataclass(frozen=True, kw_only=True)
class Detector:
    """A network that finds objects.

    Parameters
    ----------
    title : what stands above its pictures.
    path : of its file.
    network : its description.
    find : detections of an image uint8 (height, width, 3), those above the threshold.
    """

    title: str
    path: Path
    network: Network
    find: Callable[[np.ndarray], Detections]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("detect", epilog=EPILOG)(detect_command)


def detect_command(
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Picture with the boxes, .png or .jpg.")
    ],
    checkpoint: Annotated[
        Path | None, typer.Option(help="Network or checkpoint of a training; needs torch.")
    ] = None,
    network: Annotated[
        Path | None, typer.Option(help="Integer network of `zeroshift export`, .npz.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Show what is more probable than this.")] = 0.5,
    width: Annotated[int, typer.Option(help="Pixels of a drawn image across.")] = 512,
    threads: Annotated[int, typer.Option(help="Of the CPU, for torch.")] = 1,
    json_path: JsonOption = None,
) -> None:
    """Find objects on images with a trained network, an integer network, or both side by side."""
    check_picture(output)
    if not 0 <= threshold < 1:
        raise UsageError(f"--threshold is {threshold}, but must be at least 0 and below 1")
    if not 64 <= width <= 4096:
        raise UsageError(f"--width is {width}, but must be 64 to 4096")
    detectors = []
    if checkpoint is not None:
        require_torch("detect with a --checkpoint")
        set_threads(threads)
        detectors.append(_trained(checkpoint, threshold))
    if network is not None:
        detectors.append(_integer(network, threshold))
    if not detectors:
        raise UsageError("give --checkpoint, --network, or both")
    if len({detector.network.name for detector in detectors}) > 1:
        raise UsageError(
            f"{checkpoint} is {detectors[0].network.name}, but {network} is "
            f"{detectors[1].network.name}: give two of one network"
        )
    pixels = [load_image(path) for path in images]
    panels, rows = [], []
    with progress_bar() as bar:
        task = bar.add_task("detecting", total=len(images) * len(detectors))
        for path, image in zip(images, pixels, strict=True):
            for detector in detectors:
                begun = time.monotonic()
                found = detector.find(image)
                seconds = time.monotonic() - begun
                panels.append(_panel(path, image, detector, found))
                rows.append(_row(path, detector, found, seconds))
                bar.advance(task)
    draw_panels(output, panels, columns=len(detectors), width=width)
    write_json(json_path, {"threshold": threshold, "images": rows})
    console.print(_table(rows))
    console.print(f"picture: {output}", highlight=False)


def _trained(path: Path, threshold: float) -> Detector:
    import torch

    from cli.recipes import describe
    from rfcn.training.checkpoints import read_checkpoint
    from rfcn.training.trained import trained_network

    model, quantized = trained_network(read_checkpoint(path), path)
    words = describe(quantized.recipe)

    def find(image: np.ndarray) -> Detections:
        ready, scale = prepare(image, model.network)
        with torch.inference_mode():
            maps = {
                name: values[0].numpy()
                for name, values in model(torch.from_numpy(ready)[None]).items()
            }
        size = ready.shape[1], ready.shape[2]
        return detect(maps, size, model.network, scale=scale, threshold=threshold)

    return Detector(title=words, path=path, network=model.network, find=find)


def _integer(path: Path, threshold: float) -> Detector:
    detector = IntegerDetector(read_network(path))
    quantization = detector.network.quantization
    words = ["integers"]
    weights, activations = quantization.get("weights"), quantization.get("activations")
    if isinstance(weights, dict) and weights.get("bits"):
        words.append(
            f"{weights['bits']}-bit {weights.get('method', '')} weights".replace("  ", " ")
        )
    if isinstance(activations, dict) and activations.get("bits"):
        words.append(f"{activations['bits']}-bit activations")
    return Detector(
        title=", ".join(words),
        path=path,
        network=detector.description,
        find=lambda image: detector.detect(image, threshold=threshold),
    )


def _panel(path: Path, image: np.ndarray, detector: Detector, found: Detections) -> Panel:
    return Panel(
        image=image,
        boxes=found.boxes,
        labels=found.labels,
        classes=detector.network.class_names,
        scores=found.scores,
        title=f"{path.name}: {detector.title}",
    )


def _row(path: Path, detector: Detector, found: Detections, seconds: float) -> dict:
    names = detector.network.class_names
    return {
        "image": str(path),
        "network": str(detector.path),
        "title": detector.title,
        "seconds": seconds,
        "detections": [
            {"class": names[label - 1], "score": round(float(score), 6), "box": box.tolist()}
            for box, score, label in zip(found.boxes, found.scores, found.labels, strict=True)
        ],
    }


def _table(rows: list[dict]) -> Table:
    table = Table(title="Detections")
    for heading in ("image", "network", "found"):
        table.add_column(heading)
    table.add_column("seconds", justify="right")
    for row in rows:
        found = ", ".join(f"{one['class']} {one['score']:.2f}" for one in row["detections"][:8])
        more = len(row["detections"]) - 8
        table.add_row(
            Path(row["image"]).name,
            row["title"],
            (found or "nothing") + (f" and {more} more" if more > 0 else ""),
            f"{row['seconds']:.2f}",
        )
    return table
