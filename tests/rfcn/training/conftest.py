"""A few rendered images for all tests of training."""

import pytest
import torch

from rfcn.data.shapes import ShapesSettings, write_shapes
from rfcn.data.voc import VocDataset
from rfcn.networks import SHAPE_CLASSES


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """A folder with a data set of 10 images to train on and 5 to test with."""
    folder = tmp_path_factory.mktemp("data") / "shapes"
    write_shapes(folder, ShapesSettings(train=10, val=0, test=5, seed=3))
    return folder


@pytest.fixture(scope="session")
def samples(shapes):
    return VocDataset(shapes, "07", "train", SHAPE_CLASSES)


@pytest.fixture(scope="session")
def test_samples(shapes):
    return VocDataset(shapes, "07", "test", SHAPE_CLASSES)
