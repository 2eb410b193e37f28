"""Pictures of images with boxes: what is there, what was detected, several side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cli.console import UsageError, replacing
from cli.pictures import INK

KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
"""What pictures of boxes may end in, and Pillow's name for it."""

COLOURS = (
    "#ffd60a", "#19c7ff", "#ff5a5f", "#57f287", "#ff9f1c", "#c58bff", "#ff7ac6", "#b8f500",
    "#5b9dff", "#e6e6e6",
)  # fmt: skip
"""Colours of the classes, from the first on; bright, for they stand on photographs."""

CASING = "#101010"
"""A thin rim around lines and tags, which makes them stand out on any ground."""

PAPER = "#ffffff"
"""What panels stand on."""

GAP = 12
"""Pixels between panels and around them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """An image with boxes on it.

    Parameters
    ----------
    image : uint8 (height, width, 3), red, green, blue.
    boxes : (n, 4) in pixels of `image`, the last pixel inside.
    labels : (n,) from 1.
    classes : names of the classes; label 1 is the first.
    scores : (n,), shown behind the names; none are where this is None.
    difficult : bool (n,), boxes drawn with dashes; none are where this is None.
    title : stands above; may have lines.
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    classes: Sequence[str]
    scores: np.ndarray | None = None
    difficult: np.ndarray | None = None
    title: str = ""

    def tag(self, index: int) -> str:
        """What is written on a box."""
        name = self.classes[int(self.labels[index]) - 1]
        return name if self.scores is None else f"{name} {self.scores[index]:.2f}"


def draw_panels(path: Path, panels: Sequence[Panel], *, columns: int = 0, width: int = 512) -> None:
    """Write a picture of panels in rows, whole or not at all.

    Parameters
    ----------
    path : the picture, .png or .jpg.
    panels : at least one.
    columns : panels in a row; all of them when 0.
    width : pixels of a panel's image across; it is enlarged or shrunk to that.

    Raises
    ------
    UsageError : a kind of picture that is not drawn.
    """
    check_picture(path)
    columns = columns or len(panels)
    drawn = [_draw(panel, width) for panel in panels]
    rows = [drawn[start : start + columns] for start in range(0, len(drawn), columns)]
    heights = [max(panel.height for panel in row) for row in rows]
    across = max(map(len, rows))
    sheet = Image.new(
        "RGB", (across * (width + GAP) + GAP, sum(heights) + GAP * (len(rows) + 1)), PAPER
    )
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        for place, panel in enumerate(row):
            # Titles of a row may differ in height; images stand on one line.
            sheet.paste(panel, (GAP + place * (width + GAP), top + height - panel.height))
        top += height + GAP
    with replacing(path) as temporary:
        sheet.save(temporary, format=KINDS[path.suffix.lower()], quality=92)


def check_picture(path: Path) -> None:
    """Refuse kinds of pictures that are not drawn.

    Raises
    ------
    UsageError : `path` has another ending than one of `KINDS`.
    """
    if path.suffix.lower() not in KINDS:
        raise UsageError(f"{path} must end in .png or .jpg to be drawn")


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _draw(panel: Panel, width: int) -> Image.Image:
    """A panel with its title."""
    image = Image.fromarray(panel.image)
    zoom = width / image.width
    height = max(1, round(image.height * zoom))
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    _draw_boxes(image, panel, zoom)
    if not panel.title:
        return image
    font = _font(max(13, width // 30))
    ruler = ImageDraw.Draw(image)
    _, _, _, bottom = ruler.multiline_textbbox((0, 0), panel.title, font)
    title = int(bottom) + 8
    whole = Image.new("RGB", (width, title + height), PAPER)
    ImageDraw.Draw(whole).multiline_text((0, 0), panel.title, INK, font)
    whole.paste(image, (0, title))
    return whole


def _draw_boxes(image: Image.Image, panel: Panel, zoom: float) -> None:
    draw = ImageDraw.Draw(image)
    line = max(2, image.width // 220)
    text_size = max(11, image.width // 36)
    font, tall = _font(text_size), round(1.4 * text_size)
    # The best are drawn last, on top of the others.
    order = range(len(panel.boxes))
    if panel.scores is not None:
        order = sorted(order, key=lambda index: panel.scores[index])  # type: ignore[index]
    frames = {index: _frame(panel.boxes[index], zoom, image.size) for index in order}
    for index in order:
        dashed = panel.difficult is not None and bool(panel.difficult[index])
        _draw_frame(draw, frames[index], _colour(panel.labels[index]), line, dashed)
    taken: list[tuple[float, ...]] = []
    for index in reversed(order):
        text = panel.tag(index)
        size = round(draw.textlength(text, font)) + 8, tall
        place = _tag_place(frames[index], size, image.size, taken)
        taken.append(place)
        colour = _colour(panel.labels[index])
        draw.rectangle(place, fill=colour, outline=CASING)
        draw.text((place[0] + 4, place[3] - tall // 4), text, CASING, font, anchor="ls")


def _colour(label: int) -> str:
    return COLOURS[(int(label) - 1) % len(COLOURS)]


def _frame(box: np.ndarray, zoom: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The outermost pixels of a box in the enlarged image."""
    x1, y1, x2, y2 = (float(edge) for edge in box)
    width, height = size
    right, bottom = (x2 + 1) * zoom - 1, (y2 + 1) * zoom - 1
    return (
        max(0, round(x1 * zoom)),
        max(0, round(y1 * zoom)),
        min(width - 1, round(right)),
        min(height - 1, round(bottom)),
    )


def _draw_frame(
    draw: ImageDraw.ImageDraw,
    frame: tuple[int, int, int, int],
    colour: str,
    line: int,
    dashed: bool,
) -> None:
    left, top, right, bottom = frame
    if right - left < 1 or bottom - top < 1:
        draw.rectangle(frame, fill=colour)
        return
    outer = (left - 1, top - 1, right + 1, bottom + 1)
    draw.rectangle(outer, outline=CASING, width=line + 2)
    if not dashed:
        draw.rectangle(frame, outline=colour, width=line)
        return
    step = 4 * line
    for start in range(left, right, 2 * step):
        end = min(start + step, right)
        draw.rectangle((start, top, end, top + line - 1), fill=colour)
        draw.rectangle((start, bottom - line + 1, end, bottom), fill=colour)
    for start in range(top, bottom, 2 * step):
        end = min(start + step, bottom)
        draw.rectangle((left, start, left + line - 1, end), fill=colour)
        draw.rectangle((right - line + 1, start, right, end), fill=colour)


def _tag_place(
    frame: tuple[int, int, int, int],
    tag: tuple[float, float],
    size: tuple[int, int],
    taken: list[tuple[float, ...]],
) -> tuple[float, float, float, float]:
    """Where a tag covers least of the other tags, and rather above its box than anywhere else."""
    left, top, right, bottom = frame
    width, height = tag
    places = []
    for y in (top - height, bottom, top, bottom - height):
        for x in (left, right - width):
            x1 = min(max(x, 0), size[0] - 1 - width)
            y1 = min(max(y, 0), size[1] - 1 - height)
            places.append((x1, y1, x1 + width, y1 + height))
    covered = [
        sum(
            max(0, min(place[2], other[2]) - max(place[0], other[0]))
            * max(0, min(place[3], other[3]) - max(place[1], other[1]))
            for other in taken
        )
        for place in places
    ]
    return places[covered.index(min(covered))]
