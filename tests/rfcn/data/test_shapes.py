"""The rendered shapes on disk: the same for the same settings, whole or not at all."""

import hashlib
import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from rfcn.data import shapes
from rfcn.data.errors import DatasetError
from rfcn.data.images import load_image
from rfcn.data.shapes import ShapesSettings, write_shapes
from rfcn.data.voc import VocDataset
from rfcn.networks import SHAPE_CLASSES

SETTINGS = ShapesSettings(train=6, val=2, test=3, seed=7, size=96)


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "deep" / "shapes"
    assert write_shapes(folder, SETTINGS)
    return folder


@pytest.mark.parametrize(
    ("split", "parts"),
    [("train", ("train",)), ("val", ("val",)), ("test", ("test",)), ("trainval", ("train", "val"))],
)
def test_the_reader_reads_what_was_rendered(folder, split, parts):
    dataset = VocDataset(folder, shapes.YEAR, split, SHAPE_CLASSES)
    scenes = [scene for part in parts for scene in SETTINGS.scenes(part)]
    names = [name for part in parts for name in SETTINGS.names(part)]
    assert [sample.image_id for sample in dataset] == names
    for sample, scene in zip(dataset, scenes, strict=True):
        assert sample.size == (96, 96)
        assert np.array_equal(sample.boxes, scene.boxes)
        assert np.array_equal(sample.labels, scene.labels)
        assert np.array_equal(sample.difficult, scene.difficult)
        difference = load_image(sample.path).astype(int) - scene.image
        assert np.abs(difference).mean() < 4


def test_the_same_settings_give_the_same_files(folder, tmp_path):
    assert write_shapes(tmp_path / "again", SETTINGS)
    assert digests(tmp_path / "again") == digests(folder)


def test_more_images_begin_with_the_same_and_another_seed_has_others():
    def first(settings):
        return [scene.image for scene in islice(settings.scenes("val"), 2)]

    more = ShapesSettings(train=0, val=5, test=0, seed=7, size=96)
    other = ShapesSettings(train=6, val=2, test=3, seed=8, size=96)
    assert np.array_equal(first(SETTINGS), first(more))
    assert not np.array_equal(first(SETTINGS), first(other))
    train = next(SETTINGS.scenes("train"))
    assert not np.array_equal(train.image, first(SETTINGS)[0])


def test_what_is_there_is_kept(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    calls = []
    assert not write_shapes(folder, SETTINGS, progress=lambda *call: calls.append(call))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert not calls


def test_other_shapes_are_refused(folder):
    other = ShapesSettings(train=6, val=2, test=4, seed=7, size=96)
    with pytest.raises(DatasetError, match=r"test 3, .* not .* test 4, .* give another folder"):
        write_shapes(folder, other)


def test_other_things_are_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DatasetError, match="file is a file: give a folder"):
        write_shapes(tmp_path / "file", SETTINGS)
    with pytest.raises(DatasetError, match="something other than rendered shapes"):
        write_shapes(tmp_path, SETTINGS)
    (tmp_path / "shapes.json").write_text("{")
    with pytest.raises(DatasetError, match=r"shapes\.json is damaged"):
        write_shapes(tmp_path, SETTINGS)
    assert (tmp_path / "file").read_text() == "mine"


def test_an_empty_folder_is_filled_and_absent_splits_have_no_file(tmp_path):
    settings = ShapesSettings(train=0, val=1, test=0)
    calls = []
    assert write_shapes(tmp_path, settings, progress=lambda *call: calls.append(call))
    assert calls == [(1, 1)]
    splits = tmp_path / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main"
    assert sorted(path.name for path in splits.iterdir()) == ["trainval.txt", "val.txt"]
    assert json.loads((tmp_path / "shapes.json").read_text())["val"] == 1


def test_the_working_folder_is_refused_and_a_link_is_followed(tmp_path, monkeypatch):
    target = tmp_path / "target"
    target.mkdir()
    monkeypatch.chdir(target)
    with pytest.raises(DatasetError, match="target is the folder you are in"):
        write_shapes(Path(), ShapesSettings(train=1, val=0, test=0))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(target)
    assert write_shapes(Path("link"), ShapesSettings(train=1, val=0, test=0))
    assert (target / "shapes.json").is_file()
    assert (tmp_path / "link").is_symlink()


def test_an_interruption_leaves_nothing(tmp_path):
    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shapes(tmp_path / "shapes", SETTINGS, progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_two_at_once_agree(tmp_path):
    """The slower of two finds the other's data set in place."""
    target = tmp_path / "shapes"

    def overtake(done, total):
        if done == 1:
            assert write_shapes(target, SETTINGS)

    assert not write_shapes(target, SETTINGS, progress=overtake)
    assert [path.name for path in tmp_path.iterdir()] == ["shapes"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": -1}, "train is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"train": 0, "val": 0, "test": 0}, "no images to render"),
        ({"size": 60}, "size is 60, but must be 70 to 4096"),
        ({"size": 5000}, "size is 5000"),
    ],
)
def test_settings_out_of_range(changes, message):
    with pytest.raises(DatasetError, match=message):
        ShapesSettings(**changes)
