"""The names under which the blobs of Caffe's ResNets are found in .npz files and torch dicts.

Caffe's batch-norm is two layers: BatchNorm (`bn2a_branch2a`: mean, variance, factor) and Scale
(`scale2a_branch2a`: scale, offset). A blob is called by its layer's name, then `.`, `/` or `_`, and
its number or what it is: `res2a_branch2a.weight`, `bn2a_branch2a/0`, `scale2a_branch2a_gamma`. A
convolution's weights may also be called by the layer's name alone.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from golden.errors import UserError

CONVOLUTION = {"weight": ("weight", "weights", "0"), "bias": ("bias", "biases", "1")}
BATCH_NORM = {
    "norm.running_mean": ("mean", "running_mean", "moving_mean", "0"),
    "norm.running_var": ("variance", "var", "running_var", "moving_var", "1"),
    "norm.factor": ("scale_factor", "factor", "2"),
}
SCALE = {
    "norm.weight": ("weight", "gamma", "scale", "0"),
    "norm.bias": ("bias", "beta", "offset", "1"),
}
"""What the blobs of each kind of layer may be called, by what they are in `RFCN`."""


class CaffeError(UserError):
    """Blobs that cannot be used; the message names them."""


def caffe_names(arrays: Mapping[str, object], layer: str) -> dict[str, str]:
    """Which of `arrays` are blobs of a convolution, its BatchNorm and its Scale.

    Parameters
    ----------
    arrays : a file's, by name.
    layer : name of the convolution.

    Returns
    -------
    For each field of the convolution's state dict, and `norm.factor`, the name of its array; a
    name that is not there if there is none.
    """
    rest = layer.removeprefix("res") if layer.startswith("res") else f"_{layer}"
    found = {}
    for blobs, caffe_layer in (
        (CONVOLUTION, layer),
        (BATCH_NORM, f"bn{rest}"),
        (SCALE, f"scale{rest}"),
    ):
        for field, words in blobs.items():
            names = list(_spelled(caffe_layer, words))
            if field == "weight":
                names.append(layer)
            found[field] = next((name for name in names if name in arrays), names[0])
    return found


def _spelled(layer: str, words: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        for separator in "./_":
            yield f"{layer}{separator}{word}"


def plain_blobs(
    arrays: Mapping[str, np.ndarray], names: Mapping[str, str], path: Path
) -> dict[str, np.ndarray]:
    """A layer's blobs as torch keeps them.

    Mean and variance are divided by their factor, as Caffe does, or taken as they are without one.
    Vectors in Caffe's old form (1, 1, 1, n) become (n,).

    Parameters
    ----------
    arrays, names : a file's arrays, and what `caffe_names` says of the layer.

    Returns
    -------
    The arrays to put in place of those of the same name.

    Raises
    ------
    CaffeError : the factor is 0.
    """
    vectors = {
        name: np.ravel(arrays[name])
        for field, name in names.items()
        if field != "weight" and name in arrays
    }
    factor = vectors.pop(names["norm.factor"], np.ones(1))
    if factor[0] == 0:
        raise CaffeError(
            f"{names['norm.factor']} in {path} is 0: the batch-norm's mean and variance were "
            f"never computed"
        )
    for field in ("norm.running_mean", "norm.running_var"):
        if names[field] in vectors:
            vectors[names[field]] = vectors[names[field]] / factor[0]
    return vectors
