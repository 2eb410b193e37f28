"""Which network and pixels the options name, and which system takes them."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from cli.console import UsageError
from cli.system_networks import load_network, load_network_and_pixels, system_config
from golden.network_files import read_network, write_network
from params import preset
from rfcn.data.images import load_image, prepare
from rfcn.networks import find_network
from rfcn.pretrained import INTEGER
from tests.golden.networks import small_network


def test_rfcn_tiny_is_the_trained_one():
    network = load_network("rfcn-tiny", None, size=(32, 48), bits=6)
    assert network.origin == read_network(INTEGER[6]).origin
    assert network.input.shape == (3, 32, 48)
    with pytest.raises(UsageError, match="comes with 4 and 6 bits; --bits is 5"):
        load_network("rfcn-tiny", None, size=None, bits=5)


def test_a_file_comes_before_a_name(tmp_path):
    path = tmp_path / "net.npz"
    write_network(path, small_network())
    assert load_network("rfcn-tiny", path, size=None, bits=5).net == "small"


def test_random_pixels_are_those_of_the_seed(tmp_path):
    path = tmp_path / "net.npz"
    write_network(path, dataclasses.replace(small_network(), origin="chance"))
    options = {"image": "12x10", "bits": 4}
    network, pixels, source = load_network_and_pixels("", path, **options, seed=1)
    assert pixels.shape == network.input.shape == (3, 12, 10)
    assert (pixels.min() < -100, pixels.max() > 100) == (True, True)
    assert source == "chance; random pixels"
    again, other = (load_network_and_pixels("", path, **options, seed=seed)[1] for seed in (1, 2))
    np.testing.assert_array_equal(again, pixels)
    assert (other != pixels).any()


def test_a_picture_gives_size_and_pixels(tmp_path):
    path = tmp_path / "a.png"
    values = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    network, pixels, source = load_network_and_pixels(
        "rfcn-tiny", None, image=str(path), bits=4, seed=0
    )
    ready, _ = prepare(load_image(path), find_network("rfcn-tiny"))
    assert network.input.shape == ready.shape
    np.testing.assert_array_equal(pixels, network.input.quantize(ready))
    assert source == network.origin


def test_the_array_gets_what_the_network_needs():
    config = system_config(small_network(levels=8), "ulx3s-full", 32)
    assert (config.array.levels, config.array.residuals, config.bus_bytes) == (8, True, 32)
    assert system_config(small_network(levels=2), "tiny", 16).array == preset("tiny")
