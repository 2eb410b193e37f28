"""Images from files, and as the networks take them.

Source: `utils/blob.py` of py-faster-rcnn, whose `cv2.resize` interpolates linearly.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from rfcn.data.errors import DatasetError
from rfcn.networks import Network

UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises for files that are broken, and for images too large to be true."""


def load_image(path: Path | str) -> np.ndarray:
    """The image in a file, turned as its EXIF data say; of an animation the first picture.

    Returns
    -------
    uint8 (height, width, 3): red, green, blue. What is transparent becomes white; of 16 bits the
    upper 8 are taken.

    Raises
    ------
    DatasetError : there is no such file, or it is no image.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise DatasetError(f"there is no image {path}") from None
    except UnidentifiedImageError:
        raise DatasetError(f"{path} is no image, or of a kind that is not read") from None
    except UNREADABLE as fault:
        raise DatasetError(f"{path} cannot be read as an image: {fault}") from None


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode == "F":
        raise ValueError("its pixels are fractions; save it with 8 bits per colour")
    if image.mode.startswith("I"):
        grey = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def image_scale(size: tuple[int, int], network: Network) -> float:
    """By how much an image of (height, width) is enlarged for a network.

    The shorter side gets `network.shorter_side` pixels, unless the longer one would have more than
    `network.longer_side`, which it then has.
    """
    scale = network.shorter_side / min(size)
    if np.rint(scale * max(size)) > network.longer_side:
        scale = network.longer_side / max(size)
    return scale


def prepare(image: np.ndarray, network: Network) -> tuple[np.ndarray, float]:
    """An image as a network takes it: scaled, blue before green before red, the means subtracted.

    Parameters
    ----------
    image : uint8 (height, width, 3), red, green, blue.
    network : gives sides and means.

    Returns
    -------
    image : float32 (3, scaled height, scaled width).
    scale : pixels of it per pixel of the file; boxes are multiplied by it, as in py-faster-rcnn.
    """
    scale = image_scale(image.shape[:2], network)
    pixels = image[:, :, ::-1].astype(np.float32)
    if scale != 1:
        pixels = resize(pixels, scale)
    pixels -= np.array(network.pixel_means, np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)), scale


def resize(image: np.ndarray, scale: float) -> np.ndarray:
    """Enlarge or shrink an image with linear interpolation between the nearest pixels' middles.

    The middle of output pixel i lies at (i + 1/2) / scale - 1/2; outside of the outermost middles
    the edge repeats. Shrinking does not average more pixels than enlarging does.

    Parameters
    ----------
    image : float32 (height, width, channels).
    scale : output pixels per pixel.

    Returns
    -------
    float32 (height * scale, width * scale, channels), sizes rounded to nearest, ties to even, and
    at least 1.
    """
    for axis in (0, 1):
        side = image.shape[axis]
        places = (np.arange(max(1, round(side * scale))) + 0.5) / scale - 0.5
        places = np.clip(places, 0, side - 1)
        low = places.astype(np.int64)
        high = np.minimum(low + 1, side - 1)
        share = (places - low).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (-1, 1))
        image = image.take(low, axis) * (1 - share) + image.take(high, axis) * share
    return image


def flip_boxes(boxes: np.ndarray, width: int) -> np.ndarray:
    """Boxes (n, 4) as they are on the mirrored image: x becomes width - x - 1."""
    flipped = boxes.copy()
    flipped[:, 0] = width - boxes[:, 2] - 1
    flipped[:, 2] = width - boxes[:, 0] - 1
    return flipped
