"""The reader of VOC's layout on small data sets written by hand."""

import numpy as np
import pytest

from rfcn.data.errors import DatasetError
from rfcn.data.voc import VocDataset
from tests.rfcn.data.voc_files import CLASSES, annotation, thing, write_year

ONE = annotation(50, 40, thing("cat", (1, 1, 50, 40)))


@pytest.fixture
def kit(tmp_path):
    """VOCdevkit with two images of 2007 and one of 2012."""
    write_year(
        tmp_path / "VOCdevkit" / "VOC2007",
        {
            "000005": annotation(
                50, 40,
                thing("dog", (1, 2, 50, 40)),
                thing(" Person ", (10, 11, 10, 11), 1),
                thing("cat", (3, 4, 5, 6), None),
            ),
            "000007": annotation(30, 60),
        },
        {"trainval": "000007\n000005\n\n", "train": "000005 -1\n", "test": "\n"},
    )  # fmt: skip
    write_year(
        tmp_path / "VOCdevkit" / "VOC2012",
        {"2008_1": annotation(9, 8, thing("cat", ("2.25", "1", "7.5", "8")))},
        {"trainval": "2008_1\n"},
        suffix=".png",
    )
    return tmp_path / "VOCdevkit"


def test_objects_are_read(kit):
    first, second = VocDataset(kit, "07", "trainval", CLASSES)
    assert (first.image_id, second.image_id) == ("000007", "000005")
    assert first.path == kit / "VOC2007" / "JPEGImages" / "000007.jpg"
    assert (first.size, second.size) == ((60, 30), (40, 50))
    assert first.boxes.shape == (0, 4)
    assert first.labels.shape == first.difficult.shape == (0,)
    assert second.boxes.tolist() == [[0, 1, 49, 39], [9, 10, 9, 10], [2, 3, 4, 5]]
    assert second.labels.tolist() == [2, 3, 1]
    assert second.difficult.tolist() == [False, True, False]
    kinds = (second.boxes.dtype, second.labels.dtype, second.difficult.dtype)
    assert kinds == (np.float32, np.int64, np.bool_)


@pytest.mark.parametrize(
    ("years", "split", "names"),
    [
        ("07", "trainval", ["000007", "000005"]),
        ("07", "train", ["000005"]),
        ("12", "trainval", ["2008_1"]),
        ("07+12", "trainval", ["000007", "000005", "2008_1"]),
        ("2012+07+12", "trainval", ["2008_1", "000007", "000005"]),
    ],
)
def test_years_and_splits(kit, years, split, names):
    for root in (kit, kit.parent, kit / "VOC2007", kit / "VOC2012", str(kit)):
        dataset = VocDataset(root, years, split, CLASSES)
        assert [sample.image_id for sample in dataset] == names
        assert len(dataset) == len(names)
    assert dataset[-1].image_id == names[-1]
    assert [sample.image_id for sample in dataset[:1]] == names[:1]


def test_fractions_and_png(kit):
    (sample,) = VocDataset(kit, "12", "trainval", CLASSES)
    assert sample.boxes.tolist() == [[1.25, 0, 6.5, 7]]
    assert sample.path.name == "2008_1.png"


def test_a_year_from_inside_and_under_another_name(kit, monkeypatch):
    monkeypatch.chdir(kit / "VOC2007")
    assert len(VocDataset(".", "07+12", "trainval", CLASSES)) == 3
    (kit / "VOC2007").rename(kit / "mine")
    assert len(VocDataset(kit / "mine", "07", "trainval", CLASSES)) == 2
    with pytest.raises(DatasetError, match=r"mine is not laid out .* VOCdevkit/VOC2007"):
        VocDataset(kit / "mine", "07+12", "trainval", CLASSES)


def test_progress(kit):
    calls = []
    VocDataset(kit, "07+12", "trainval", CLASSES, progress=lambda *call: calls.append(call))
    assert calls == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("root", "years", "split", "message"),
    [
        (
            "missing",
            "07",
            "train",
            r"no folder .*missing: give the one that holds VOCdevkit/VOC200",
        ),
        (".", "08", "train", r"not laid out as PASCAL VOC: VOCdevkit/VOC2008"),
        ("VOC2007", "08", "train", r"not laid out as PASCAL VOC: VOCdevkit/VOC2008"),
        (".", "7", "train", r"'7', but must be such as 07, 12 or 07\+12"),
        (".", "07,12", "train", r"'07,12', but must be such as"),
        (".", "12", "train", r"no .*VOC2012.*train\.txt: the data set has the splits trainval"),
        (".", "12", "test", r"test\.txt: .* test images are a download of their own"),
        (".", "07", "test", r"test\.txt names no images"),
    ],
)
def test_mistakes_in_what_is_asked_for(kit, root, years, split, message):
    with pytest.raises(DatasetError, match=message):
        VocDataset(kit / root, years, split, CLASSES)


def box(*edges):
    return annotation(50, 40, thing("cat", edges))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (annotation(50, 40, thing("cow", (1, 1, 2, 2))), "class 'cow', .* cat, dog, person"),
        (annotation(50, 40, "<object/>"), "class ''"),
        (annotation(50, 40, thing("cat", (1, 1, 2, 2), 2)), "difficult '2', not 0 or 1"),
        (annotation(50, 40, "<object><name>cat</name></object>"), "no bndbox/xmin in its object"),
        (annotation(0, 40), "an image 40 high and 0 wide"),
        (annotation(50, 40).replace("width", "breadth"), "no size/width in its annotation"),
        (box("one", 1, 2, 2), "'one' for bndbox/xmin"),
        (box("nan", 1, 2, 2), "'nan' for bndbox/xmin"),
        (box("", 1, 2, 2), "'' for bndbox/xmin"),
        (box(0, 1, 2, 2), r"xmin 0, .* not inside the image, .* 1\.\.50 across and 1\.\.40 down"),
        (box(1, 0, 2, 2), "ymin 0, .* not inside"),
        (box(1, 1, 51, 2), "xmax 51, .* not inside"),
        (box(1, 1, 2, 41), "ymax 41, .* not inside"),
        (box(3, 1, 2, 2), "xmin 3, .* not inside"),
        (box(1, 3, 2, 2), "ymin 3, .* not inside"),
        (ONE[:-5], "cannot be read as XML"),
        ("", "cannot be read as XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + ONE.replace("cat", "&b;"), "cannot be read as XML"),
        ("<?xml version='1.0' encoding='no-such'?>" + ONE, "cannot be read as XML"),
    ],
)
def test_a_broken_annotation(tmp_path, text, message):
    folder = write_year(tmp_path / "VOC2007", {"1": ONE, "2": text}, {"val": "1\n2\n"})
    with pytest.raises(DatasetError, match=message) as fault:
        VocDataset(folder, "07", "val", CLASSES)
    assert str(folder / "Annotations" / "2.xml") in str(fault.value)
    assert "\n" not in str(fault.value)


def test_missing_files(tmp_path):
    folder = write_year(tmp_path / "VOC2007", {"1": ONE}, {"val": "1\n2\n"})
    with pytest.raises(DatasetError, match=r"no image .*2\.jpg \(nor \.png\), which the split"):
        VocDataset(folder, "07", "val", CLASSES)
    (folder / "JPEGImages" / "2.png").touch()
    with pytest.raises(DatasetError, match=r"no .*2\.xml, which tells the objects of .*2\.png"):
        VocDataset(folder, "07", "val", CLASSES)
    (folder / "ImageSets" / "Main" / "val.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"val\.txt is no text"):
        VocDataset(folder, "07", "val", CLASSES)
