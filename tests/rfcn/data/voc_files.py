"""Small data sets in VOC's layout, written by hand."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("cat", "dog", "person")


def annotation(width: int, height: int, *objects: str) -> str:
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>{size}{''.join(objects)}</annotation>"


def thing(name: str, box: tuple[float, ...], difficult: int | None = 0) -> str:
    """An object; its box is counted from 1."""
    edges = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    flag = "" if difficult is None else f"<difficult>{difficult}</difficult>"
    # A part, such as VOC's heads and hands, has a box of its own.
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    return (
        f"<object><name>{name}</name>{flag}<bndbox>"
        + "".join(f"<{edge}>{value}</{edge}>" for edge, value in edges)
        + f"</bndbox>{part}</object>"
    )


def write_year(
    folder: Path, annotations: dict[str, str], splits: dict[str, str], suffix: str = ".jpg"
) -> Path:
    """A year's folder whose images are black and as large as their annotation says."""
    for inner in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (folder / inner).mkdir(parents=True)
    for name, text in annotations.items():
        (folder / "Annotations" / f"{name}.xml").write_text(text)
        width, height = (
            int(text.split(f"<{side}>")[1].split("<")[0]) if f"<{side}>" in text else 4
            for side in ("width", "height")
        )
        pixels = np.zeros((max(height, 1), max(width, 1), 3), np.uint8)
        Image.fromarray(pixels).save(folder / "JPEGImages" / f"{name}{suffix}")
    for split, text in splits.items():
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text(text)
    return folder
