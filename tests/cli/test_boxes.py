"""Boxes drawn on images: where their lines and tags come to lie."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from cli import boxes
from cli.boxes import COLOURS, GAP, Panel, draw_panels
from cli.console import UsageError

CLASSES = ("cat", "dog")
GREY = np.full((50, 100, 3), 128, np.uint8)
YELLOW, BLUE = (ImageColor.getrgb(colour) for colour in COLOURS[:2])


def panel(*entries, scores=None, **settings):
    corners, labels = zip(*entries, strict=True) if entries else ((), ())
    return Panel(
        image=settings.pop("image", GREY),
        boxes=np.array(corners, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.int64),
        classes=CLASSES,
        scores=scores if scores is None else np.array(scores),
        **settings,
    )


def drawn(path, panels, **settings):
    draw_panels(path, panels, **settings)
    with Image.open(path) as picture:
        return np.array(picture.convert("RGB")).astype(int)


def test_a_box_is_where_it_should_be(tmp_path):
    picture = drawn(tmp_path / "a.png", [panel(((10, 20, 39, 44), 1))], width=400)
    assert picture.shape == (200 + 2 * GAP, 400 + 2 * GAP, 3)
    image = picture[GAP:-GAP, GAP:-GAP]
    rows, columns = np.nonzero((image == YELLOW).all(axis=2))
    # Four pixels for one: the box reaches from 40 to 159 across and ends 179 down.
    assert (columns.min(), columns.max(), rows.max()) == (40, 159, 179)
    for x in (40, 41, 158, 159):
        assert (image[100:170, x] == YELLOW).all()
    for x in (42, 157):
        assert not (image[100:170, x] == YELLOW).all(axis=1).any()
    for y in (80, 81, 178, 179):
        assert (image[y, 120:150] == YELLOW).all()
    assert (image[120:170, 60:150] == 128).all()
    # The tag stands above.
    assert (image[60:78, 44:60] == YELLOW).all(axis=2).any()


def test_colours_of_classes_and_the_best_on_top(tmp_path):
    entries = (((10, 20, 89, 44), 1), ((10, 20, 89, 44), 2))
    for scores, colour in (([0.9, 0.3], YELLOW), ([0.3, 0.9], BLUE)):
        picture = drawn(tmp_path / "a.png", [panel(*entries, scores=scores)], width=400)
        assert (picture[GAP + 120 : GAP + 150, GAP + 40] == colour).all()


def test_difficult_boxes_have_dashes(tmp_path):
    picture = drawn(tmp_path / "a.png", [panel(((10, 20, 89, 44), 1), difficult=[True])], width=400)
    line = (picture[GAP + 179, GAP + 40 : GAP + 360] == YELLOW).all(axis=1)
    assert 0.4 < line.mean() < 0.6
    assert np.count_nonzero(np.diff(line.astype(int))) > 20


def test_boxes_beyond_the_image_and_tiny_ones(tmp_path):
    entries = (((-9, -9, 120, 70), 1), ((99, 49, 99, 49), 2), ((5, 5, 5, 5), 2))
    picture = drawn(tmp_path / "a.png", [panel(*entries)], width=100)
    assert picture.shape == (50 + 2 * GAP, 100 + 2 * GAP, 3)
    assert (picture[:GAP] == 255).all()
    assert (picture[:, -GAP:] == 255).all()


def test_tags():
    assert panel(((0, 0, 1, 1), 2)).tag(0) == "dog"
    assert panel(((0, 0, 1, 1), 1), scores=[0.987]).tag(0) == "cat 0.99"


@pytest.mark.parametrize(
    ("frame", "taken", "expected"),
    [
        # Above; where another tag is above, at the other end; then below; and inside at the top.
        ((50, 60, 149, 119), [], (50, 40, 80, 60)),
        ((50, 60, 149, 119), [(40, 40, 90, 60)], (119, 40, 149, 60)),
        ((50, 60, 149, 119), [(0, 40, 199, 60)], (50, 119, 80, 139)),
        ((50, 60, 149, 119), [(0, 30, 199, 60), (0, 119, 199, 150)], (50, 60, 80, 80)),
        # Never outside of the image.
        ((0, 0, 199, 199), [], (0, 0, 30, 20)),
        ((195, 100, 199, 150), [], (169, 80, 199, 100)),
    ],
)
def test_places_of_tags(frame, taken, expected):
    assert boxes._tag_place(frame, (30, 20), (200, 200), taken) == expected


def test_panels_stand_in_rows_on_one_line(tmp_path):
    black = np.zeros((10, 10, 3), np.uint8)
    panels = [panel(image=black, title=title) for title in ("one", "one\ntwo", "")]
    for kind in ("png", "jpg"):
        picture = drawn(tmp_path / f"a.{kind}", panels, width=60)
        across = picture[-GAP - 30]
        assert picture.shape[1] == 3 * (60 + GAP) + GAP
        for place in range(3):
            start = GAP + place * (60 + GAP)
            assert (across[start + 5 : start + 55] < 20).all()
    rows = drawn(tmp_path / "a.png", panels, columns=2, width=60)
    assert rows.shape[1] == 2 * (60 + GAP) + GAP
    assert (rows[-GAP - 30, GAP + 5 : GAP + 55] == 0).all()
    assert (rows[-GAP - 60 :, 60 + 2 * GAP :] == 255).all()


def test_another_kind_of_picture_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"a\.svg must end in \.png or \.jpg"):
        draw_panels(tmp_path / "a.svg", [panel()])
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_text("old")

    def fail(*arguments, **settings):
        raise OSError("the disk is full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk is full"):
        draw_panels(path, [panel()])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
