"""The order of training images, and what batches hold."""

import itertools

import numpy as np
import pytest
from PIL import Image

from rfcn.data.batches import Batches
from rfcn.data.errors import DatasetError
from rfcn.data.images import load_image, prepare
from rfcn.data.voc import Sample
from rfcn.networks import find_network

TINY = find_network("rfcn-tiny")
SIZES = ((64, 96), (96, 64), (128, 128), (50, 100), (80, 64), (64, 64), (70, 90))
"""Heights and widths: five wide or square images and two tall ones."""


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(8)
    made = []
    for index, size in enumerate(SIZES):
        path = folder / f"{index}.png"
        Image.fromarray(rng.integers(0, 256, (*size, 3)).astype(np.uint8)).save(path)
        boxes = np.array([[index, 2, 30, 40], [1, 1, 20, 20], [5, 5, 6, 6]], np.float32)
        made.append(
            Sample(
                image_id=str(index), path=path, boxes=boxes, labels=np.array([1, 2, 3]),
                difficult=np.array([False, True, False]), size=size,
            )
        )  # fmt: skip
    return made


def without(sample, **changes):
    return Sample(**{**vars(sample), **changes})


def taken(batches, epoch=0):
    """What an epoch's steps take: image and flip, for this process."""
    return [
        [(sample.image_id, flip) for sample, flip in zip(batch.samples, batch.flipped, strict=True)]
        for batch in itertools.islice(batches.iterate(epoch), len(batches))
    ]


def test_an_epoch_takes_each_image_both_ways(samples):
    batches = Batches(samples, TINY, seed=4)
    assert len(batches) == 2 * len(samples)
    expected = {(str(index), flip) for index in range(len(samples)) for flip in (False, True)}
    epochs = [taken(batches, epoch) for epoch in range(3)]
    for epoch in epochs:
        assert {entry for (entry,) in epoch} == expected
    assert epochs[0] != epochs[1] != epochs[2]


def test_without_flips(samples):
    batches = Batches(samples, TINY, flip=False)
    assert sorted(taken(batches)) == [[(str(index), False)] for index in range(len(samples))]


def test_the_seed_decides(samples):
    orders = [Batches(samples, TINY, seed=seed).order(1) for seed in (1, 1, 2)]
    assert np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


def test_resuming_anywhere_gives_the_same_batches(samples):
    batches = Batches(samples, TINY, size=2, seed=9)
    straight = list(itertools.islice(batches.iterate(), 2 * len(batches) + 3))
    places = [(batch.epoch, batch.step) for batch in straight]
    assert places == [divmod(index, len(batches)) for index in range(len(straight))]
    for index in (0, 3, len(batches) - 1, len(batches), len(straight) - 1):
        again = Batches(samples, TINY, size=2, seed=9)
        resumed = next(again.iterate(straight[index].epoch, straight[index].step))
        assert np.array_equal(resumed.images, straight[index].images)
        assert resumed.samples == straight[index].samples
    past_the_end = next(batches.iterate(0, len(batches)))
    assert (past_the_end.epoch, past_the_end.step) == (1, 0)


def test_threads_change_nothing(samples):
    batches = Batches(samples, TINY, size=2, seed=9)
    plain = list(itertools.islice(batches.iterate(1, 2), 12))
    stream = batches.iterate(1, 2, ahead=3)
    for expected, batch in zip(plain, stream, strict=False):
        assert (batch.epoch, batch.step) == (expected.epoch, expected.step)
        assert np.array_equal(batch.images, expected.images)
    stream.close()


def test_a_batch_is_all_wide_or_all_tall(samples):
    batches = Batches(samples, TINY, size=3, seed=1)
    for epoch in range(3):
        steps = taken(batches, epoch)
        kinds = [{SIZES[int(name)][1] >= SIZES[int(name)][0] for name, _ in step} for step in steps]
        assert all(len(kind) == 1 for kind in kinds)
        # 10 wide entries fill 4 batches and 4 tall ones 2; none is missing.
        assert sorted(map(str, kinds)) == ["{False}"] * 2 + ["{True}"] * 4
        assert len({entry for step in steps for entry in step}) == 14


@pytest.mark.parametrize(("size", "processes"), [(1, 2), (1, 4), (2, 3), (3, 16)])
def test_processes_share_an_epoch(samples, size, processes):
    shares = [
        Batches(samples, TINY, size=size, seed=5, rank=rank, processes=processes)
        for rank in range(processes)
    ]
    assert len({len(share) for share in shares}) == 1
    entries = [entry for share in shares for step in taken(share) for entry in step]
    assert len(set(entries)) == 14
    # No more is taken twice than is needed to fill up.
    assert len(entries) - 14 < size * processes + 2 * size


def test_a_batch_holds_prepared_images_and_scaled_boxes(samples):
    batches = Batches(samples, TINY, size=2, seed=3)
    for batch in itertools.islice(batches.iterate(), len(batches)):
        assert batch.images.dtype == np.float32
        assert batch.images.shape[2:] == tuple(np.max(batch.sizes, axis=0))
        for index, (sample, flip) in enumerate(zip(batch.samples, batch.flipped, strict=True)):
            image = load_image(sample.path)
            image, scale = prepare(image[:, ::-1] if flip else image, TINY)
            height, width = batch.sizes[index]
            assert batch.scales[index] == scale
            assert np.array_equal(batch.images[index, :, :height, :width], image)
            assert not batch.images[index, :, height:].any()
            assert not batch.images[index, :, :, width:].any()
            first = float(sample.image_id)
            edges = [[first, 2, 30, 40], [5, 5, 6, 6]]
            if flip:
                last = sample.size[1] - 1
                edges = [[last - x2, y1, last - x1, y2] for x1, y1, x2, y2 in edges]
            expected = [[edge * scale for edge in box] for box in edges]
            assert batch.boxes[index].tolist() == [pytest.approx(box) for box in expected]
            assert batch.boxes[index].dtype == np.float32
            assert batch.labels[index].tolist() == [1, 3]


def test_images_without_objects_to_train_on_are_left_out(samples):
    nothing = {"boxes": np.zeros((0, 4), np.float32), "labels": np.zeros(0, np.int64)}
    empty = without(samples[0], difficult=np.zeros(0, np.bool_), **nothing)
    hard = without(samples[1], difficult=np.ones(3, np.bool_))
    batches = Batches([empty, hard, samples[2]], TINY, flip=False)
    assert taken(batches) == [[("2", False)]]
    with pytest.raises(DatasetError, match="no image with an object to train on"):
        Batches([empty, hard], TINY)


def test_an_image_of_another_size_than_its_annotation(samples):
    wrong = without(samples[0], size=(96, 64))
    with pytest.raises(DatasetError, match=r"0\.png is 96 pixels wide and 64 high, .* 64 and 96"):
        Batches([wrong], TINY).load(0, 0)
    with pytest.raises(DatasetError, match=r"0\.png is 96 pixels wide"):
        next(Batches([wrong], TINY).iterate(ahead=2))


@pytest.mark.parametrize("numbers", [{"size": 0}, {"rank": 2, "processes": 2}, {"rank": -1}])
def test_numbers_out_of_range(samples, numbers):
    with pytest.raises(DatasetError, match="there are no batches of"):
        Batches(samples, TINY, **numbers)
