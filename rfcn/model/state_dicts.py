"""Pretrained ResNets from files: torchvision's names, Caffe's, and this project's own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from golden.array_files import read_arrays
from golden.errors import UserError
from rfcn.model.caffe_names import caffe_names, plain_blobs
from rfcn.model.network import RFCN
from rfcn.networks import Network

RGB_MEANS = (0.485, 0.456, 0.406)
RGB_STDS = (0.229, 0.224, 0.225)
"""Torchvision's networks take pixels 0..1 minus these, over these; red, green, blue."""

STRIDE_NOTE = (
    "torchvision's ResNet weights (v1.5) were trained with a stage's stride on the 3x3 "
    "convolution, but R-FCN has it on the first 1x1: they are a start for training, and exact only "
    "if they come from a network of the original (Caffe) kind"
)

BOX_NOTE = (
    "the box maps were taken to be those of a finished py-R-FCN, which gives plain offsets, and "
    "divided by its standard deviations"
)

BRANCHES = {
    "branch1": ("downsample.0", "downsample.1"),
    "branch2a": ("conv1", "bn1"),
    "branch2b": ("conv2", "bn2"),
    "branch2c": ("conv3", "bn3"),
}
"""What torchvision calls a block's convolutions and their batch-norms."""

NORM_FIELDS = ("weight", "bias", "running_mean", "running_var")


class StateDictError(UserError):
    """A file's arrays are not those of the network; the message names them."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What `load_backbone` has done.

    Parameters
    ----------
    style : `torchvision`, `Caffe` or `Zeroshift`.
    layers : the layers whose weights were loaded.
    untouched : the layers that the file does not hold; their weights are as they were.
    notes : sentences that the user should read.
    """

    style: str
    layers: tuple[str, ...]
    untouched: tuple[str, ...]
    notes: tuple[str, ...]


def load_backbone(model: RFCN, path: Path, *, bgr: bool | None = None) -> Loaded:
    """Copy a ResNet's weights and batch-norms from a file into the network.

    The names are torchvision's (`layer1.0.conv1.weight`), Caffe's (see
    `rfcn.model.caffe_names`), or those of `RFCN`. The layers behind the backbone are loaded too if
    the file holds them. The classifier (`fc`, `fc1000`) is passed over. Nothing is changed unless
    everything fits.

    Parameters
    ----------
    model : the network to load into.
    path : a .npz file, or a torch state dict (.pt, .pth).
    bgr : conv1 was trained on blue, green, red of 0..255 minus the means, as Caffe's are. If not,
        on red, green, blue with torchvision's means and deviations, and conv1 is converted. When
        None, files with torchvision's names are taken to be of the second kind, all others of the
        first.

    Raises
    ------
    ArrayFileError : no such file, or it cannot be read.
    StateDictError : no names of a ResNet, or arrays that are missing, not expected, of the wrong
        shape, or not finite.
    """
    arrays = read_arrays(path)
    notes: list[str] = []
    if "layer1.0.conv1.weight" in arrays:
        style, renamed = "torchvision", dict(_from_torchvision(model.network))
        passed = [name for name in arrays if name.startswith("fc.")]
        notes.append(STRIDE_NOTE)
    elif any(name.startswith("res2a_branch2a.norm.") for name in arrays):
        style, renamed, passed = "Zeroshift", {name: name for name in model.state_dict()}, []
    elif any(name.startswith("scale2a_branch2a") for name in arrays):
        style, renamed, passed = "Caffe", {}, [n for n in arrays if n.startswith("fc1000")]
        for layer in model.convolutions:
            names = caffe_names(arrays, layer)
            arrays |= plain_blobs(arrays, names, path)
            passed.append(names.pop("norm.factor"))
            renamed |= {f"{layer}.{field}": name for field, name in names.items()}
    else:
        raise StateDictError(
            f"{path} holds no ResNet: none of its {len(arrays)} arrays is called "
            f"layer1.0.conv1.weight (torchvision), scale2a_branch2a (Caffe) or "
            f"res2a_branch2a.norm.weight (Zeroshift)"
        )
    passed += [name for name in arrays if name.endswith("num_batches_tracked")]
    kept = {name: value for name, value in arrays.items() if name not in passed}
    state = _matched(model, kept, renamed, path)
    if not (style != "torchvision" if bgr is None else bgr):
        _convert_pixels(model, state)
    if style == "Caffe" and "rfcn_bbox.weight" in state:
        _rescale_box_offsets(model.network, state)
        notes.append(BOX_NOTE)
    own = model.state_dict()
    with torch.no_grad():
        for name, value in state.items():
            own[name].copy_(torch.from_numpy(value))
    layers = {name.split(".")[0] for name in state}
    return Loaded(
        style=style,
        layers=tuple(name for name in model.convolutions if name in layers),
        untouched=tuple(name for name in model.convolutions if name not in layers),
        notes=tuple(notes),
    )


def _from_torchvision(network: Network) -> Iterator[tuple[str, str]]:
    """Pairs of a name in the state dict of `RFCN` and torchvision's name of the same tensor."""
    layers = [("conv1", "conv1", "bn1")]
    for number, stage in enumerate(network.stages, 1):
        for index, block in enumerate(stage.blocks):
            for branch, (convolution, norm) in BRANCHES.items():
                prefix = f"layer{number}.{index}."
                layers.append(
                    (f"{stage.name}{block}_{branch}", prefix + convolution, prefix + norm)
                )
    for own, convolution, norm in layers:
        yield f"{own}.weight", f"{convolution}.weight"
        for field in NORM_FIELDS:
            yield f"{own}.norm.{field}", f"{norm}.{field}"


def _matched(
    model: RFCN, arrays: dict[str, np.ndarray], renamed: dict[str, str], path: Path
) -> dict[str, np.ndarray]:
    """The arrays by the names of `RFCN`, checked.

    Parameters
    ----------
    arrays : the file's, by its own names.
    renamed : the file's name for each name in the state dict of `RFCN`.
    """
    needed: dict[str, tuple[int, ...]] = {}
    state: dict[str, np.ndarray] = {}
    for layer, convolution in model.convolutions.items():
        shapes = {
            f"{layer}.{field}": tuple(value.shape)
            for field, value in convolution.state_dict().items()
            if field != "norm.num_batches_tracked"
        }
        present = any(renamed.get(name) in arrays for name in shapes)
        if convolution.norm is not None or present:
            needed |= shapes
    # The bias that only Caffe's ResNet-50 has is 0 in the others.
    if "conv1.bias" in needed and renamed.get("conv1.bias") not in arrays:
        state["conv1.bias"] = np.zeros(needed.pop("conv1.bias"), np.float32)

    missing = [renamed.get(name, name) for name in needed if renamed.get(name) not in arrays]
    if missing:
        raise StateDictError(
            f"{path} lacks {_some(missing)}, which {model.net} needs: it may be cut, or another "
            f"ResNet"
        )
    expected = {renamed[name] for name in needed}
    unexpected = [name for name in arrays if name not in expected]
    if unexpected:
        raise StateDictError(
            f"{path} holds {_some(unexpected)}, for which {model.net} has no place: it may be "
            f"another ResNet"
        )
    for name, shape in needed.items():
        value = arrays[renamed[name]]
        if value.shape != shape:
            raise StateDictError(
                f"{renamed[name]} in {path} has shape {value.shape}, but {name} of {model.net} "
                f"has {shape}"
            )
        if not np.isfinite(value).all():
            raise StateDictError(f"{renamed[name]} in {path} holds values that are no numbers")
        state[name] = np.array(value, np.float32)
    return state


def _some(names: Sequence[str]) -> str:
    """One name, and how many others."""
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _convert_pixels(model: RFCN, state: dict[str, np.ndarray]) -> None:
    """Change conv1 from torchvision's pixels to the network's; exact but at the image's border.

    With pixels p of 0..255, w (p / 255 - mean) / std = w' (p - own mean) + a constant, where
    w' = w / (255 std). The constant is taken from the mean of the batch-norm that follows.
    """
    weights = state["conv1.weight"] / (255 * np.array(RGB_STDS))[:, None, None]
    weights = weights[:, ::-1]
    means = np.array(model.network.pixel_means) - 255 * np.array(RGB_MEANS[::-1])
    state["conv1.weight"] = weights.astype(np.float32)
    constant = weights.sum(axis=(2, 3)) @ means
    state["conv1.norm.running_mean"] = (state["conv1.norm.running_mean"] - constant).astype(
        np.float32
    )


def _rescale_box_offsets(network: Network, state: dict[str, np.ndarray]) -> None:
    """Divide the box maps by the standard deviations of box offsets, the network's units."""
    # Channel (c * bins + by) * bins + bx gives coordinate c modulo 4.
    units = np.repeat(np.tile(network.box_stds, 2), network.bins**2).astype(np.float32)
    state["rfcn_bbox.weight"] = state["rfcn_bbox.weight"] / units[:, None, None, None]
    state["rfcn_bbox.bias"] = state["rfcn_bbox.bias"] / units
