"""Trained networks out of checkpoints, float or quantized as they were trained."""

from dataclasses import replace
from pathlib import Path

from rfcn.model.network import RFCN
from rfcn.quantized.settings import Recipe
from rfcn.quantized.training import QuantizedTraining
from rfcn.training.checkpoints import Checkpoint, load_weights


def network_only(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint without what only training needs: optimizer, log, guide."""
    recipe = replace(Recipe.from_dict(checkpoint.recipe), guide=None).as_dict()
    return replace(
        checkpoint,
        recipe=recipe,
        quantized={**checkpoint.quantized, "recipe": recipe, "guide": None},
        training=None,
    )


def trained_network(checkpoint: Checkpoint, path: Path) -> tuple[RFCN, QuantizedTraining]:
    """The network of a checkpoint on the CPU, quantized as it was last trained.

    Parameters
    ----------
    checkpoint : as read.
    path : its file, for messages.

    Returns
    -------
    The network in evaluation mode, and its quantization, which gives the integer weights.

    Raises
    ------
    CheckpointError : a parameter is missing, odd or of another shape.
    SettingsError, NetworkError : a recipe or a network that this version does not have.
    """
    checkpoint = network_only(checkpoint)
    model = RFCN(checkpoint.net)
    quantized = QuantizedTraining(model, Recipe.from_dict(checkpoint.recipe))
    load_weights(model, checkpoint.model, path)
    quantized.load_state_dict(checkpoint.quantized)
    model.eval()
    return model, quantized
