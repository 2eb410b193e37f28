"""Checkpoints: a trained network with all that a training needs to go on."""

import pickle
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from golden.files import replacing
from rfcn.quantized.settings import Recipe
from rfcn.training.config import TrainingConfig, TrainingError

VERSION = 1
"""Of the file's layout; a file of another version is refused."""

LARGEST_REASON = 200
"""Characters of torch's own message that a fault passes on."""


class CheckpointError(TrainingError):
    """A checkpoint cannot be read, or belongs to another training or network."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """A network in training.

    Parameters
    ----------
    net : name of the network.
    step : steps that are done.
    model : state dict of the network; the float weights, also where training quantizes them.
    config : settings of the training, as `TrainingConfig.state`.
    recipe : how it is quantized, as `Recipe.as_dict`.
    quantized : state of `QuantizedTraining`.
    training : what only the training needs (optimizer, scaler, random numbers, log); None in a
        network that is done.
    """

    net: str
    step: int
    model: dict[str, torch.Tensor]
    config: dict[str, Any]
    recipe: dict[str, Any]
    quantized: dict[str, Any]
    training: dict[str, Any] | None = None


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all."""
    content = {field.name: getattr(checkpoint, field.name) for field in fields(Checkpoint)}
    with replacing(path) as temporary:
        torch.save({"zeroshift": VERSION, **content}, temporary)


def read_checkpoint(path: Path, *, net: str | None = None) -> Checkpoint:
    """Read a checkpoint onto the CPU.

    Parameters
    ----------
    path : the file.
    net : the network it has to be of; None for any.

    Raises
    ------
    CheckpointError : no such file, no checkpoint, or one of another version or network.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}; give the file that a training wrote")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, zipfile.BadZipFile, ValueError) as bad:
        reason = str(bad).partition("\n")[0][:LARGEST_REASON] or type(bad).__name__
        raise CheckpointError(f"{path} is no checkpoint: {reason}") from bad
    if not isinstance(content, dict) or "zeroshift" not in content:
        raise CheckpointError(
            f"{path} is no checkpoint of `zeroshift train`; a backbone's state dict goes in as "
            f"the backbone of a new training"
        )
    if content["zeroshift"] != VERSION:
        raise CheckpointError(
            f"{path} has version {content['zeroshift']}, but this program reads version {VERSION}"
        )
    checkpoint = Checkpoint(**{field.name: content[field.name] for field in fields(Checkpoint)})
    if net is not None and checkpoint.net != net:
        raise CheckpointError(f"{path} is a checkpoint of {checkpoint.net}, not of {net}")
    return checkpoint


def check_same_training(
    path: Path,
    checkpoint: Checkpoint,
    config: TrainingConfig,
    recipe: Recipe,
) -> None:
    """Refuse to go on with other settings than those a training began with.

    Raises
    ------
    CheckpointError : the first setting that differs, with both values; or a network without what
        training needs.
    """
    if checkpoint.training is None:
        raise CheckpointError(
            f"{path} is a finished network; to train it further, start a new training from it"
        )
    then = {**checkpoint.config, **checkpoint.recipe}
    for name, value in {**config.state(), **recipe.as_dict()}.items():
        if then.get(name) != value:
            raise CheckpointError(
                f"{path} is of a training with {name} {_text(then.get(name))}, not "
                f"{_text(value)}: go on with its own settings, or give another output folder"
            )


def load_weights(model: nn.Module, state: dict[str, torch.Tensor], path: Path) -> None:
    """Put a checkpoint's weights into the network.

    Raises
    ------
    CheckpointError : the first parameter that is missing, odd or of another shape.
    """
    own = model.state_dict()
    for name, value in own.items():
        if name not in state:
            raise CheckpointError(f"{path} has no {name}, which the network needs")
        if state[name].shape != value.shape:
            raise CheckpointError(
                f"{name} in {path} has shape {tuple(state[name].shape)}, but the network needs "
                f"{tuple(value.shape)}"
            )
    odd = next((name for name in state if name not in own), None)
    if odd is not None:
        raise CheckpointError(f"{path} has {odd}, which the network does not")
    model.load_state_dict(state)


def _text(value: object) -> str:
    return "none" if value is None else str(value)
