"""`zeroshift detect`: what a network finds on images, drawn, floats and integers side by side."""

from pathlib import Path
from typing import Annotated

import typer

from cli.boxes import check_picture, draw_panels
from cli.console import JsonOption, UsageError, console, progress_bar, write_json
from cli.detection_report import detection_table, find_all
from cli.detectors import integer_detector, rtl_detector, trained_detector
from cli.extras import require_torch, set_threads
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
    with progress_bar() as bar:
        task = bar.add_task("detecting", total=len(images) * len(detectors))
        panels, rows = find_all(images, pixels, detectors, done=lambda: bar.advance(task))
    draw_panels(output, panels, columns=len(detectors), width=width)
    write_json(json_path, {"threshold": threshold, "images": rows})
    console.print(detection_table(rows))
    console.print(f"picture: {output}", highlight=False)
