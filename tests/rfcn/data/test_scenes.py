"""Rendered images: what is on them and what is said of it."""

import numpy as np
import pytest

from rfcn.data import scenes
from rfcn.data.scenes import SIDES, render_scene
from rfcn.networks import SHAPE_CLASSES


@pytest.fixture(scope="module")
def rendered():
    return [render_scene(np.random.default_rng((11, index)), 128) for index in range(150)]


def test_numbers_and_sizes(rendered):
    for scene in rendered:
        assert scene.image.shape == (128, 128, 3)
        assert scene.image.dtype == np.uint8
        count = len(scene.labels)
        assert 1 <= count <= 4
        assert scene.boxes.shape == (count, 4)
        assert scene.difficult.shape == scene.truncated.shape == (count,)
        assert (scene.boxes >= 0).all()
        assert (scene.boxes < 128).all()
        sides = scene.boxes[:, 2:] - scene.boxes[:, :2] + 1
        whole = sides[~scene.difficult & ~scene.truncated].max(axis=1, initial=SIDES[0])
        assert (whole <= SIDES[1] + 2).all()
    # What is hidden makes some boxes smaller.
    longer = [(scene.boxes[:, 2:] - scene.boxes[:, :2] + 1).max(axis=1) for scene in rendered]
    assert np.quantile(np.concatenate(longer), 0.02) >= SIDES[0] - 2


def test_all_kinds_occur(rendered):
    labels = np.concatenate([scene.labels for scene in rendered])
    counts = np.bincount(labels, minlength=1 + len(SHAPE_CLASSES))
    assert counts[0] == 0
    assert (counts[1:] > len(labels) / 12).all()
    share = np.mean(np.concatenate([scene.difficult for scene in rendered]))
    assert 0.002 < share < 0.08
    assert np.concatenate([scene.truncated for scene in rendered]).any()
    assert {len(scene.labels) for scene in rendered} == {1, 2, 3, 4}


def test_the_same_seed_gives_the_same_image(rendered):
    again = render_scene(np.random.default_rng((11, 3)), 128)
    assert np.array_equal(again.image, rendered[3].image)
    assert np.array_equal(again.boxes, rendered[3].boxes)
    assert not np.array_equal(again.image, rendered[4].image)


def test_boxes_are_around_the_painted_pixels(monkeypatch):
    """With everything else left out, the pixels that are more than half white are the shape's."""

    def paint(rng, pixels, shape):
        pixels += 255 * shape.coverage[:, :, None]

    monkeypatch.setattr(scenes, "MOST_OBJECTS", 1)
    monkeypatch.setattr(scenes, "_background", lambda rng, size: np.zeros((size, size, 3), "f4"))
    monkeypatch.setattr(scenes, "_paint", paint)
    monkeypatch.setattr(scenes, "_foreground", lambda rng, pixels: pixels.astype(np.uint8))
    for seed in range(20):
        scene = render_scene(np.random.default_rng(seed), 128)
        rows, columns = np.nonzero(scene.image[:, :, 0] > 127)
        edges = columns.min(), rows.min(), columns.max(), rows.max()
        assert scene.boxes[0].tolist() == list(edges)


def test_a_shape_covers_its_area():
    triangle = np.array([[10.0, 10.0], [90.0, 20.0], [40.0, 70.0]])
    hole = np.array([[40.0, 25.0], [50.0, 25.0], [50.0, 35.0], [40.0, 35.0]])
    # Half of |80 * 60 - 30 * 10|, less the hole.
    coverage, rim = scenes._rasterize([triangle, hole], 100, thickness=2)
    assert coverage.sum() == pytest.approx(2250 - 100, rel=0.03)
    assert coverage[30, 45] == rim[30, 45] == 0
    assert coverage[20, 40] == 1
    assert 0 < rim.sum() < 0.5 * coverage.sum()
    assert (rim <= coverage).all()


def test_what_is_hidden_is_told(monkeypatch):
    """A shape that is painted over is difficult, and its box is around what is left."""
    monkeypatch.setattr(scenes, "CROWDED", 1.0)
    found = 0
    for seed in range(40):
        scene = render_scene(np.random.default_rng(seed), 128)
        assert not scene.difficult[-1]
        found += scene.difficult.sum()
        sides = scene.boxes[:, 2:] - scene.boxes[:, :2] + 1
        assert (sides >= 2).all()
    assert found >= 4
