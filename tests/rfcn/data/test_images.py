"""Images from files of all kinds, and scaling against a twin made of loops."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from rfcn.data.errors import DatasetError
from rfcn.data.images import flip_boxes, image_scale, load_image, prepare, resize
from rfcn.networks import find_network

RESNET, TINY = find_network("rfcn-resnet50"), find_network("rfcn-tiny")


@pytest.fixture
def pixels():
    return np.random.default_rng(3).integers(0, 256, (5, 7, 3)).astype(np.uint8)


def test_rgb(tmp_path, pixels):
    path = tmp_path / "image.png"
    Image.fromarray(pixels).save(path)
    image = load_image(path)
    assert np.array_equal(image, pixels)
    assert image.dtype == np.uint8
    assert np.array_equal(load_image(str(path)), pixels)


def test_grey(tmp_path, pixels):
    grey = pixels[:, :, 0]
    Image.fromarray(grey).save(tmp_path / "eight.png")
    Image.fromarray(grey.astype(np.uint16) * 256 + 77).save(tmp_path / "sixteen.png")
    Image.fromarray(grey > 127).save(tmp_path / "one.png")
    for name in ("eight.png", "sixteen.png"):
        assert np.array_equal(load_image(tmp_path / name), np.stack([grey] * 3, axis=2))
    one = load_image(tmp_path / "one.png")
    assert np.array_equal(one, np.stack([(grey > 127) * 255] * 3, axis=2))


def test_palette(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "plain.png")
    assert load_image(tmp_path / "plain.png").tolist() == [[[10, 20, 30], [40, 50, 60]]]
    image.save(tmp_path / "clear.png", transparency=1)
    assert load_image(tmp_path / "clear.png").tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_transparent_becomes_white(tmp_path):
    image = np.array([[[9, 8, 7, 255], [9, 8, 7, 0], [0, 0, 0, 51]]], np.uint8)
    Image.fromarray(image).save(tmp_path / "image.png")
    expected = [[[9, 8, 7], [255] * 3, [204] * 3]]
    assert load_image(tmp_path / "image.png").tolist() == expected


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda image: image),
        (2, lambda image: image[:, ::-1]),
        (3, lambda image: image[::-1, ::-1]),
        (6, lambda image: np.rot90(image, -1)),
        (8, lambda image: np.rot90(image, 1)),
    ],
)
def test_exif_orientation(tmp_path, pixels, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "image.png", exif=exif)
    assert np.array_equal(load_image(tmp_path / "image.png"), turn(pixels))


def test_cmyk_and_the_first_picture_of_an_animation(tmp_path):
    Image.new("CMYK", (2, 2), (0, 255, 255, 0)).save(tmp_path / "print.tif")
    assert load_image(tmp_path / "print.tif").tolist() == [[[255, 0, 0]] * 2] * 2
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("lime", "blue")]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    assert load_image(tmp_path / "film.gif").tolist() == [[[0, 255, 0]] * 2] * 2


def test_what_is_no_image(tmp_path, pixels):
    Image.fromarray(np.tile(pixels, (20, 20, 1))).save(tmp_path / "whole.jpg")
    Image.fromarray(pixels).save(tmp_path / "whole.png")
    Image.new("F", (2, 2)).save(tmp_path / "fractions.tif")
    whole = (tmp_path / "whole.jpg").read_bytes()
    broken = bytearray((tmp_path / "whole.png").read_bytes())
    broken[50] ^= 0xFF
    files = {"text.jpg": b"not an image", "empty.jpg": b"", "half.jpg": whole[: len(whole) // 2],
             "broken.png": bytes(broken)}  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for name, message in (
        ("text.jpg", "is no image"),
        ("empty.jpg", "is no image"),
        ("half.jpg", "cannot be read as an image: .*truncated"),
        ("broken.png", "cannot be read as an image"),
        ("fractions.tif", "its pixels are fractions"),
        ("missing.jpg", "there is no image"),
        (".", "cannot be read as an image"),
    ):
        with pytest.raises(DatasetError, match=message) as fault:
            load_image(tmp_path / name)
        assert str(tmp_path) in str(fault.value)


def test_an_image_too_large_to_be_true(tmp_path, pixels, monkeypatch):
    Image.fromarray(pixels).save(tmp_path / "image.png")
    for limit in (30, 10):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(DatasetError, match=r"image\.png cannot be read as an image: .*35 pix"):
            load_image(tmp_path / "image.png")


@pytest.mark.parametrize(
    ("network", "size", "expected", "scaled"),
    [
        (RESNET, (375, 500), 1.6, (600, 800)),
        (RESNET, (500, 375), 1.6, (800, 600)),
        (RESNET, (600, 800), 1.0, (600, 800)),
        # 600 / 300 would give 600 x 1020.
        (RESNET, (300, 510), 1000 / 510, (588, 1000)),
        (RESNET, (1200, 1200), 0.5, (600, 600)),
        (TINY, (128, 128), 1.0, (128, 128)),
        (TINY, (64, 32), 2.0, (128, 64)),
    ],
)
def test_scale(network, size, expected, scaled):
    assert image_scale(size, network) == expected
    image, scale = prepare(np.zeros((*size, 3), np.uint8), network)
    assert scale == expected
    assert image.shape == (3, *scaled)


def test_prepare_subtracts_the_means_of_blue_green_red():
    image = np.zeros((600, 600, 3), np.uint8)
    image[1, 2] = 10, 20, 30
    prepared, scale = prepare(image, RESNET)
    assert scale == 1
    assert prepared.dtype == np.float32
    assert prepared.flags.c_contiguous
    assert prepared[:, 1, 2].tolist() == pytest.approx(
        [30 - 102.9801, 20 - 115.9465, 10 - 122.7717], abs=1e-4
    )
    assert prepared[:, 0, 0].tolist() == pytest.approx([-102.9801, -115.9465, -122.7717], abs=1e-4)


def naive_resize(image, scale):
    """Each output pixel from the four pixels around its place."""
    height, width, channels = image.shape
    size = [max(1, round(side * scale)) for side in (height, width)]
    result = np.zeros((*size, channels))
    for i in range(size[0]):
        for j in range(size[1]):
            y = min(max((i + 0.5) / scale - 0.5, 0), height - 1)
            x = min(max((j + 0.5) / scale - 0.5, 0), width - 1)
            for down in (int(y), int(y) + 1):
                for across in (int(x), int(x) + 1):
                    share = max(0, 1 - abs(y - down)) * max(0, 1 - abs(x - across))
                    if share:
                        result[i, j] += share * image[down, across]
    return result


@pytest.mark.parametrize("scale", [1.6, 2.0, 1 / 3, 0.07, 1.0, 1000 / 510])
def test_resize_against_the_naive_twin(pixels, scale):
    image = pixels.astype(np.float32)
    resized = resize(image, scale)
    expected = naive_resize(image, scale)
    assert resized.dtype == np.float32
    assert resized.shape == expected.shape
    assert np.allclose(resized, expected, atol=1e-3)


def test_flipped_boxes():
    boxes = np.array([[0, 1, 9, 5], [3, 0, 3, 7]], np.float32)
    assert flip_boxes(boxes, 20).tolist() == [[10, 1, 19, 5], [16, 0, 16, 7]]
    assert np.array_equal(flip_boxes(flip_boxes(boxes, 20), 20), boxes)


def test_a_flipped_box_holds_the_flipped_pixels(pixels):
    box = np.array([[1, 0, 4, 2]])
    x1, y1, x2, y2 = flip_boxes(box, pixels.shape[1])[0]
    assert np.array_equal(
        pixels[:, ::-1][y1 : y2 + 1, x1 : x2 + 1], pixels[0:3, 1:5][:, ::-1]
    )  # fmt: skip


def test_networks_may_have_other_sides():
    network = dataclasses.replace(TINY, shorter_side=50, longer_side=60)
    assert image_scale((100, 200), network) == 0.3
