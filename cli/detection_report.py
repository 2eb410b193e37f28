"""What detectors find on images: pictures, a table and figures."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from cli.boxes import Panel
from cli.detectors import Detector
from rfcn.boxes.detections import Detections


def find_all(
    paths: Sequence[Path],
    images: Sequence[np.ndarray],
    detectors: Sequence[Detector],
    done: Callable[[], None] = lambda: None,
) -> tuple[list[Panel], list[dict]]:
    """Have every detector look at every image.

    Parameters
    ----------
    paths, images : files, and what is in them, uint8 (height, width, 3).
    done : called when a detector is done with an image.

    Returns
    -------
    For each image and detector, in order, a panel and a row of the report.
    """
    panels, rows = [], []
    for path, image in zip(paths, images, strict=True):
        for detector in detectors:
            begun = time.monotonic()
            found = detector.find(image)
            seconds = time.monotonic() - begun
            panels.append(_panel(path, image, detector, found))
            rows.append(_row(path, detector, found, seconds))
            done()
    return panels, rows


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


def detection_table(rows: list[dict]) -> Table:
    """What was found on each image."""
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
