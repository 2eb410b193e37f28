"""`zeroshift detect`: what a network finds on images, drawn, floats and integers side by side."""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from cli.boxes import Panel, check_picture, draw_panels
from cli.console import JsonOption, UsageError, console, progress_bar, write_json
from cli.detectors import Detector, integer_detector, rtl_detector, trained_detector
from cli.extras import require_torch, set_threads
from rfcn.boxes.detections import Detections
from rfcn.data.images import load_image

EPILOG = """Examples:

zeroshift detect photo.jpg --checkpoint build/tiny/network.pt -o out.png

zeroshift detect a.png b.png --checkpoint build/tiny/network.pt --network build/net.npz -o out.png

zeroshift detect a.png --network build/net.npz --rtl ulx3s -o out.png
"""


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
    rtl: Annotated[
        str | None,
        typer.Option(help="Also run --network on the simulated array of this preset."),
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
        detectors.append(trained_detector(checkpoint, threshold))
    if network is not None:
        detectors.append(integer_detector(network, threshold))
        if rtl is not None:
            detectors.append(rtl_detector(network, threshold, preset_name=rtl))
    elif rtl is not None:
        raise UsageError("--rtl runs an integer network: give --network")
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
