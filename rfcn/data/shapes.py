"""The rendered shapes as a data set in VOC's layout, the same for the same settings."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from rfcn.data.errors import DatasetError
from rfcn.data.scenes import SIDES, Scene, render_scene
from rfcn.networks import SHAPE_CLASSES

YEAR = "07"
"""The year under which `rfcn.data.voc` finds the images."""

SETTINGS_FILE = "shapes.json"
"""What the data set was made with; written beside VOCdevkit."""

VERSION = 1
"""Raised when the same settings would give other images."""

PARTS = ("train", "val", "test")
"""The splits; trainval is the first two."""

QUALITY = 95
"""Of the JPEG files, without subsampling of colours."""


@dataclass(frozen=True, kw_only=True)
class ShapesSettings:
    """What images are rendered.

    Parameters
    ----------
    train, val, test : images of each split, 0 for no such split. More images of a split begin
        with the same ones.
    seed : of all that is random, 0 or more.
    size : height and width of the images in pixels.

    Raises
    ------
    DatasetError : numbers out of range.
    """

    train: int = 2000
    val: int = 200
    test: int = 500
    seed: int = 0
    size: int = 128

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0:
                raise DatasetError(f"{field.name} is {value}, but must be 0 or more")
        if not any(getattr(self, part) for part in PARTS):
            raise DatasetError("there are no images to render: give train, val or test a number")
        if not SIDES[1] <= self.size <= 4096:
            raise DatasetError(f"size is {self.size}, but must be {SIDES[1]} to 4096 pixels")

    def names(self, part: str) -> list[str]:
        """Names of the images of one of `PARTS`."""
        return [f"{part}_{index:05d}" for index in range(getattr(self, part))]

    def scenes(self, part: str) -> Iterator[Scene]:
        """The images of one of `PARTS`, one by one."""
        for index in range(getattr(self, part)):
            rng = np.random.default_rng((self.seed, PARTS.index(part), index))
            yield render_scene(rng, self.size)


def write_shapes(
    folder: Path,
    settings: ShapesSettings,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> bool:
    """Write the data set to `folder`, whole or not at all; one that is there already is kept.

    Parameters
    ----------
    folder : gets VOCdevkit/VOC2007; must not be there, be empty, or hold the same data set.
    settings : what images.
    progress : called with (images written, images in all) after each.

    Returns
    -------
    Whether it was written: False when it was there.

    Raises
    ------
    DatasetError : `folder` holds something else.
    """
    # A link to an empty folder cannot be replaced, what it leads to can.
    folder = folder.resolve()
    if _is_there(folder, settings):
        return False
    if folder == Path.cwd():
        raise DatasetError(f"{folder} is the folder you are in: name one in it, such as shapes")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        _write_year(temporary / "VOCdevkit" / f"VOC20{YEAR}", settings, progress)
        record = json.dumps(_record(settings), indent=2)
        (temporary / SETTINGS_FILE).write_text(f"{record}\n")
        # mkdtemp's folder is private; a data set is as public as its inner folders.
        temporary.chmod((temporary / "VOCdevkit").stat().st_mode)
        try:
            temporary.replace(folder)
        except OSError:
            # Someone else was faster.
            if _is_there(folder, settings):
                return False
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def _record(settings: ShapesSettings) -> dict[str, int]:
    return {"version": VERSION, **asdict(settings)}


def _is_there(folder: Path, settings: ShapesSettings) -> bool:
    """Whether the data set is in `folder` already.

    Raises
    ------
    DatasetError : something else is.
    """
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise DatasetError(f"{folder} is a file: give a folder for the data set")
    if not any(folder.iterdir()):
        return False
    path = folder / SETTINGS_FILE
    if not path.is_file():
        raise DatasetError(
            f"{folder} holds something other than rendered shapes: give a folder of its own"
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise DatasetError(f"{path} is damaged: remove {folder}, or give another folder") from None
    wanted = _record(settings)
    if found != wanted:
        raise DatasetError(
            f"{folder} holds shapes rendered with other settings ({_in_short(found)}, not "
            f"{_in_short(wanted)}): give another folder, or remove that one"
        )
    return True


def _in_short(record: object) -> str:
    return json.dumps(record).translate(str.maketrans("", "", '"{}:'))


def _write_year(
    folder: Path, settings: ShapesSettings, progress: Callable[[int, int], None] | None
) -> None:
    images, annotations, splits = (
        folder / name for name in ("JPEGImages", "Annotations", "ImageSets/Main")
    )
    for inner in (images, annotations, splits):
        inner.mkdir(parents=True)
    total = sum(len(settings.names(part)) for part in PARTS)
    done = 0
    for part in PARTS:
        for name, scene in zip(settings.names(part), settings.scenes(part), strict=True):
            Image.fromarray(scene.image).save(
                images / f"{name}.jpg", quality=QUALITY, subsampling=0
            )
            tree = annotation(scene, f"{name}.jpg", folder.name)
            tree.write(annotations / f"{name}.xml", encoding="utf-8")
            done += 1
            if progress:
                progress(done, total)
    for split, parts in {**{part: (part,) for part in PARTS}, "trainval": PARTS[:2]}.items():
        names = [name for part in parts for name in settings.names(part)]
        if names:
            (splits / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))


def annotation(scene: Scene, filename: str, year: str) -> ElementTree.ElementTree:
    """The objects of an image as VOC writes them, with pixels counted from 1."""
    root = ElementTree.Element("annotation")
    height, width, depth = scene.image.shape
    _add(root, folder=year, filename=filename)
    _add(ElementTree.SubElement(root, "source"), database="Zeroshift's rendered shapes")
    _add(ElementTree.SubElement(root, "size"), width=width, height=height, depth=depth)
    _add(root, segmented=0)
    for box, label, difficult, truncated in zip(
        (scene.boxes + 1).tolist(), scene.labels, scene.difficult, scene.truncated, strict=True
    ):
        entry = ElementTree.SubElement(root, "object")
        _add(
            entry, name=SHAPE_CLASSES[label - 1], pose="Unspecified", truncated=int(truncated),
            difficult=int(difficult),
        )  # fmt: skip
        edges = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        _add(ElementTree.SubElement(entry, "bndbox"), **dict(edges))
    tree = ElementTree.ElementTree(root)
    ElementTree.indent(tree)
    return tree


def _add(parent: ElementTree.Element, **texts: object) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(parent, name).text = str(text)
