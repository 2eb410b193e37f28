"""One image of rendered shapes: shapes that overlap a little, on a cluttered, noisy background."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from rfcn.data.outlines import outline
from rfcn.networks import SHAPE_CLASSES

SUPERSAMPLING = 4
"""Edges are drawn at so many times the size and averaged."""

SIDES = (22, 70)
"""Pixels of a shape's longer side, from and to."""

MOST_OBJECTS = 4
"""Shapes on an image, at least one."""

CONTRAST = 120
"""Least distance of a shape's colour from the background's mean, in steps of 1/255."""

CROWDED, CUT = 0.12, 0.08
"""Share of shapes that are put near another one, and that may stick out of the image."""

HIDDEN, HIDDEN_WHERE_CROWDED = 0.25, 0.75
"""How much of a shape others may hide at most, as a share of its pixels."""

DIFFICULT = 0.5
"""Shapes of which less than this is to be seen are marked as difficult."""

TRIES = 12
"""Places that are tried for a shape before the image goes without it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """An image and its shapes.

    Parameters
    ----------
    image : uint8 (size, size, 3), red, green, blue.
    boxes : int64 (objects, 4), around what is to be seen of each shape.
    labels : int64 (objects,), from 1.
    difficult : bool (objects,), most of the shape is hidden.
    truncated : bool (objects,), the shape sticks out of the image.
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray
    truncated: np.ndarray


@dataclass(kw_only=True, eq=False)
class _Shape:
    """A shape in its place: how much of each pixel it covers, and what is still to be seen."""

    label: int
    coverage: np.ndarray
    rim: np.ndarray
    visible: np.ndarray
    pixels: int
    truncated: bool


def render_scene(rng: np.random.Generator, size: int) -> Scene:
    """A random image of `size` x `size` pixels with one to four shapes."""
    pixels = _background(rng, size)
    shapes: list[_Shape] = []
    for _ in range(rng.integers(1, MOST_OBJECTS + 1)):
        shape = _place(rng, size, shapes)
        if shape is not None:
            _paint(rng, pixels, shape)
            shapes.append(shape)
    pixels = _foreground(rng, pixels)
    boxes = [_box(shape.visible) for shape in shapes]
    hidden = [np.count_nonzero(shape.visible) < DIFFICULT * shape.pixels for shape in shapes]
    return Scene(
        image=pixels,
        boxes=np.array(boxes, np.int64),
        labels=np.array([shape.label for shape in shapes], np.int64),
        difficult=np.array(hidden, np.bool_),
        truncated=np.array([shape.truncated for shape in shapes], np.bool_),
    )


def _background(rng: np.random.Generator, size: int) -> np.ndarray:
    """A gradient with clouds, lines, arcs and blobs; float32 (size, size, 3)."""
    corners = np.clip(rng.uniform(50, 205, 3) + rng.normal(0, 20, (2, 2, 3)), 0, 255)
    clouds = rng.normal(0, rng.uniform(3, 12), (9, 9, 3))
    large = size * SUPERSAMPLING
    canvas = Image.fromarray(
        np.clip(_smooth(corners, size) + _smooth(clouds, size), 0, 255).astype(np.uint8)
    ).resize((large, large), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(canvas)
    for _ in range(rng.integers(0, 4)):
        _blob(rng, draw, large)
    for _ in range(rng.integers(0, 2)):
        middle, reach = rng.uniform(0, large, 2), rng.uniform(0.05, 0.30) * large
        start, length = rng.uniform(0, 360), rng.uniform(30, 200)
        draw.arc(
            [*(middle - reach), *(middle + reach)], start, start + length, fill=_colour(rng),
            width=int(rng.integers(1, 4) * SUPERSAMPLING),
        )  # fmt: skip
    for _ in range(rng.integers(1, 5)):
        _line(rng, draw, large)
    return np.asarray(canvas.reduce(SUPERSAMPLING), np.float32)


def _smooth(grid: np.ndarray, size: int) -> np.ndarray:
    """A small grid (rows, columns, 3), enlarged without steps."""
    channels = [
        Image.fromarray(grid[:, :, channel].astype(np.float32)).resize(
            (size, size), Image.Resampling.BICUBIC
        )
        for channel in range(3)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=2)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def _blob(rng: np.random.Generator, draw: ImageDraw.ImageDraw, large: int) -> None:
    """An ellipse, too long to be taken for a circle."""
    angles = np.linspace(0, 2 * np.pi, 33)[:-1]
    turn, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.03, 0.14) * large
    along, across = reach * np.cos(angles), reach * rng.uniform(0.2, 0.55) * np.sin(angles)
    corners = np.stack(
        [
            np.cos(turn) * along - np.sin(turn) * across,
            np.sin(turn) * along + np.cos(turn) * across,
        ],
        axis=1,
    )
    draw.polygon((rng.uniform(0, large, 2) + corners).ravel().tolist(), fill=_colour(rng))


def _line(rng: np.random.Generator, draw: ImageDraw.ImageDraw, large: int) -> None:
    ends = rng.uniform(-0.1, 1.1, (2, 2)) * large
    width = int(rng.uniform(0.7, 2.5) * SUPERSAMPLING)
    draw.line(ends.ravel().tolist(), fill=_colour(rng), width=width)


def _place(rng: np.random.Generator, size: int, shapes: list[_Shape]) -> _Shape | None:
    """A random shape where it leaves enough of the others to be seen; None if there is no place.

    What it hides of the others is taken off what is to be seen of them.
    """
    label = int(rng.integers(1, len(SHAPE_CLASSES) + 1))
    crowded = shapes and rng.random() < CROWDED
    most_hidden = HIDDEN_WHERE_CROWDED if crowded else HIDDEN
    margin = 0.25 if rng.random() < CUT else 0.0
    for _ in range(TRIES):
        side = np.exp(rng.uniform(*np.log(SIDES)))
        polygons = [side * polygon for polygon in outline(SHAPE_CLASSES[label - 1], rng)]
        reach = (1 - 2 * margin) * polygons[0].max(axis=0)
        middle = rng.uniform(reach, size - reach)
        if crowded:
            box = _box(shapes[rng.integers(len(shapes))].visible)
            near = np.add(box[:2], box[2:]) / 2 + rng.normal(0, side / 4, 2)
            middle = np.clip(near, reach, size - reach)
        polygons = [polygon + middle for polygon in polygons]
        coverage, rim = _rasterize(polygons, size, thickness=0.08 * side)
        visible = coverage >= 0.5
        left = [shape.visible & ~visible for shape in shapes]
        if all(
            np.count_nonzero(rest) >= (1 - most_hidden) * shape.pixels
            for rest, shape in zip(left, shapes, strict=True)
        ):
            for rest, shape in zip(left, shapes, strict=True):
                shape.visible = rest
            corners = polygons[0]
            return _Shape(
                label=label,
                coverage=coverage,
                rim=rim,
                visible=visible,
                pixels=int(np.count_nonzero(visible)),
                truncated=bool(corners.min() < 0 or corners.max() > size),
            )
    return None


def _rasterize(
    polygons: list[np.ndarray], size: int, *, thickness: float
) -> tuple[np.ndarray, np.ndarray]:
    """How much of each pixel a shape covers, and its rim; float32 (size, size), 0..1."""
    large = (size * SUPERSAMPLING, size * SUPERSAMPLING)
    inside, rim = Image.new("L", large), Image.new("L", large)
    for polygon, shade in zip(polygons, (255, 0), strict=False):
        # Pillow's coordinates are the middles of pixels.
        corners = (polygon * SUPERSAMPLING - 0.5).ravel().tolist()
        ImageDraw.Draw(inside).polygon(corners, fill=shade)
        ImageDraw.Draw(rim).line(
            corners + corners[:4], fill=255, width=round(2 * thickness * SUPERSAMPLING)
        )
    both = [np.asarray(mask.reduce(SUPERSAMPLING), np.float32) / 255 for mask in (inside, rim)]
    return both[0], np.minimum(*both)


def _paint(rng: np.random.Generator, pixels: np.ndarray, shape: _Shape) -> None:
    """Paint a shape in one colour with a gradient, some with a rim of another colour."""
    around = pixels[shape.visible].mean(axis=0)
    colour = np.array(_colour(rng), np.float32)
    while np.linalg.norm(colour - around) < CONTRAST:
        colour = np.array(_colour(rng), np.float32)
    size = len(pixels)
    slope = rng.normal(0, 40 / size, 2)
    ramp = slope[0] * np.arange(size)[:, None] + slope[1] * np.arange(size)
    ramp -= ramp[shape.visible].mean()
    filled = colour + ramp[:, :, None].astype(np.float32)
    pixels += shape.coverage[:, :, None] * (filled - pixels)
    if rng.random() < 0.3:
        shade = np.clip(colour + rng.choice([-70, 70]), 0, 255)
        pixels += shape.rim[:, :, None] * (shade - pixels)


def _foreground(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """Thin lines across everything, blur, light and noise; uint8 as `pixels`."""
    size = len(pixels)
    large = size * SUPERSAMPLING
    for _ in range(rng.integers(0, 2)):
        mask = Image.new("L", (large, large))
        ends = rng.uniform(0, large, (2, 2)).ravel().tolist()
        ImageDraw.Draw(mask).line(ends, fill=255, width=int(rng.uniform(0.6, 1.6) * SUPERSAMPLING))
        coverage = np.asarray(mask.reduce(SUPERSAMPLING), np.float32)[:, :, None] / 255
        pixels += coverage * (np.array(_colour(rng), np.float32) - pixels)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.8)))
    pixels = np.asarray(image, np.float32)
    pixels = 128 + rng.uniform(0.7, 1.1) * (pixels - 128) + rng.uniform(-20, 20)
    pixels = pixels + rng.normal(0, rng.uniform(2, 12), pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _box(visible: np.ndarray) -> tuple[int, int, int, int]:
    down, across = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    return int(across[0]), int(down[0]), int(across[-1]), int(down[-1])
