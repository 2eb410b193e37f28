"""Data sets in the layout of PASCAL VOC.

    VOCdevkit/VOC2007/Annotations/000005.xml       objects of an image: class, box, difficult
                      ImageSets/Main/trainval.txt  names of the images of a split, one a line
                      JPEGImages/000005.jpg        or .png

Sources: the development kits of VOC 2007 and 2012; py-faster-rcnn's `datasets/pascal_voc.py`, which
counts pixels from 0 where the files count from 1.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rfcn.data.errors import DatasetError

SPLITS = ("train", "val", "trainval", "test")
"""Parts of a year's images; trainval is train and val."""

SUFFIXES = (".jpg", ".png")
"""How the names of images end: VOC's are JPEG, the second is for data sets of one's own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """An image and what is on it.

    Parameters
    ----------
    image_id : the image's name, without the ending.
    path : its file.
    boxes : float32 (objects, 4).
    labels : int64 (objects,), from 1.
    difficult : bool (objects,); such objects are not trained on, and neither asked for nor
        counted as wrong in evaluation.
    size : height and width of the image, as its annotation has them.
    """

    image_id: str
    path: Path
    boxes: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray
    size: tuple[int, int]


class VocDataset(Sequence[Sample]):
    """The images of some years' split, with all their objects read and checked.

    Parameters
    ----------
    root : the folder VOCdevkit, one that holds it, or a year's folder such as VOC2007; years are
        looked for side by side.
    years : such as `07`, `12` or `07+12`.
    split : one of `SPLITS`, of every year.
    classes : names of the classes, without the background; label 1 is the first.
    progress : called with (images read, images in all) after each.

    Raises
    ------
    DatasetError : a folder, a split or an image is missing, an annotation is no XML or lacks
        something, an object is of no known class, or its box is not inside the image.
    """

    def __init__(
        self,
        root: Path | str,
        years: str,
        split: str,
        classes: Sequence[str],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.years = _years(years)
        self.split = split
        self.classes = tuple(classes)
        names = []
        for year in self.years:
            folder = find_year(Path(root), year, alone=len(self.years) == 1)
            names += [(folder, name) for name in read_split(folder, split)]
        labels = {name: label for label, name in enumerate(self.classes, 1)}
        samples = []
        for folder, name in names:
            samples.append(_read_sample(folder, name, labels))
            if progress:
                progress(len(samples), len(names))
        self.samples = tuple(samples)

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        return self.samples[index]


def _years(text: str) -> tuple[str, ...]:
    """The years of a text such as 07+12, as names of folders."""
    years = text.split("+")
    if not all(re.fullmatch(r"(20)?\d\d", year, re.ASCII) for year in years):
        raise DatasetError(f"the years are {text!r}, but must be such as 07, 12 or 07+12")
    return tuple(dict.fromkeys(f"VOC20{year[-2:]}" for year in years))


def find_year(root: Path, year: str, *, alone: bool = True) -> Path:
    """The folder of a year such as `VOC2007`, from any of the folders a user may mean.

    Parameters
    ----------
    root : see `VocDataset`.
    year : name of the year's folder.
    alone : no other year is asked for, so `root` may itself be the year under another name.

    Raises
    ------
    DatasetError : it is not there.
    """
    if not root.is_dir():
        raise DatasetError(f"there is no folder {root}: give the one that holds VOCdevkit/{year}")
    candidates = [root / "VOCdevkit" / year, root / year]
    is_a_year = re.fullmatch(r"VOC20\d\d", root.absolute().name, re.ASCII)
    if is_a_year:
        candidates.append(root.absolute().parent / year)
    elif alone:
        candidates.append(root)
    for folder in candidates:
        if (folder / "Annotations").is_dir() and (folder / "ImageSets" / "Main").is_dir():
            return folder
    raise DatasetError(
        f"{root} is not laid out as PASCAL VOC: VOCdevkit/{year} with Annotations, ImageSets/Main "
        "and JPEGImages is not in it"
    )


def read_split(folder: Path, split: str) -> list[str]:
    """The names of a split's images, in the order of its file.

    Raises
    ------
    DatasetError : there is no such split, or it is empty.
    """
    path = folder / "ImageSets" / "Main" / f"{split}.txt"
    if not path.is_file():
        found = [name for name in SPLITS if path.with_name(f"{name}.txt").is_file()]
        raise DatasetError(
            f"there is no {path}: the data set has "
            + (f"the splits {', '.join(found)}" if found else "no splits")
            + ("; VOC's test images are a download of their own" if split == "test" else "")
        )
    # A split of one class's images would have a second column.
    names = [line.split()[0] for line in _text(path).splitlines() if line.strip()]
    if not names:
        raise DatasetError(f"{path} names no images")
    return names


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is no text, but must name an image on each line") from None


def _read_sample(folder: Path, name: str, labels: dict[str, int]) -> Sample:
    path = _first_file(folder / "JPEGImages" / f"{name}{suffix}" for suffix in SUFFIXES)
    annotation = folder / "Annotations" / f"{name}.xml"
    try:
        root = fromstring(annotation.read_bytes())
    except FileNotFoundError:
        raise DatasetError(f"there is no {annotation}, which tells the objects of {path}") from None
    except (ParseError, DefusedXmlException, ValueError, LookupError) as fault:
        raise DatasetError(f"{annotation} cannot be read as XML: {fault}") from None
    size = _size(root, annotation)
    objects = root.findall("object")
    kinds = [_label(entry, labels, annotation) for entry in objects]
    boxes = [_box(entry, size, annotation) for entry in objects]
    return Sample(
        image_id=name,
        path=path,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(kinds, np.int64),
        difficult=np.array([_flag(entry, annotation) for entry in objects], np.bool_),
        size=size,
    )


def _first_file(paths: Iterable[Path]) -> Path:
    tried = []
    for path in paths:
        if path.is_file():
            return path
        tried.append(path)
    raise DatasetError(
        f"there is no image {tried[0]} (nor {', '.join(path.suffix for path in tried[1:])}), "
        "which the split names"
    )


def _size(root: Element, annotation: Path) -> tuple[int, int]:
    height, width = (_number(root, f"size/{side}", annotation) for side in ("height", "width"))
    if height < 1 or width < 1 or height % 1 or width % 1:
        raise DatasetError(f"{annotation} gives an image {height:g} high and {width:g} wide")
    return int(height), int(width)


def _label(entry: Element, labels: dict[str, int], annotation: Path) -> int:
    name = (entry.findtext("name") or "").strip().lower()
    if name not in labels:
        raise DatasetError(
            f"{annotation} has an object of class {name!r}, but the classes are {', '.join(labels)}"
        )
    return labels[name]


def _flag(entry: Element, annotation: Path) -> bool:
    """Whether an object is difficult; one that does not tell is not."""
    text = (entry.findtext("difficult") or "0").strip()
    if text not in ("0", "1"):
        raise DatasetError(f"{annotation} has an object with difficult {text!r}, not 0 or 1")
    return text == "1"


def _box(entry: Element, size: tuple[int, int], annotation: Path) -> tuple[float, ...]:
    x1, y1, x2, y2 = (
        _number(entry, f"bndbox/{edge}", annotation) for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    height, width = size
    if not (1 <= x1 <= x2 <= width and 1 <= y1 <= y2 <= height):
        raise DatasetError(
            f"{annotation} has the box xmin {x1:g}, ymin {y1:g}, xmax {x2:g}, ymax {y2:g}, which "
            f"is not inside the image, whose pixels are 1..{width} across and 1..{height} down"
        )
    return x1 - 1, y1 - 1, x2 - 1, y2 - 1


def _number(parent: Element, path: str, annotation: Path) -> float:
    """A number of the annotation; a few boxes of VOC 2012 have fractions."""
    text = parent.findtext(path)
    if text is None:
        raise DatasetError(f"{annotation} has no {path} in its {parent.tag}")
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise DatasetError(f"{annotation} has {text.strip()!r} for {path}, but must have a number")
    return value
