"""Where a training begins: at random weights, a file's, or the checkpoint it has come to."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.console import UsageError
from rfcn.quantized.settings import Recipe
from rfcn.training.config import TrainingConfig, default_config

if TYPE_CHECKING:
    from rfcn.model.network import RFCN
    from rfcn.training.checkpoints import Checkpoint


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Where a training's weights come from, and where it writes.

    Parameters
    ----------
    output : the training's folder.
    resume : go on from the checkpoint there.
    start : begin with the weights of this checkpoint.
    backbone : begin with the ResNet in this file.

    Raises
    ------
    UsageError : two of the three.
    """

    output: Path
    resume: bool
    start: Path | None
    backbone: Path | None

    def __post_init__(self) -> None:
        if self.start is not None and self.backbone is not None:
            raise UsageError("give --start or --backbone, not both: each brings the weights")
        if self.resume and (self.start is not None or self.backbone is not None):
            raise UsageError(
                "--resume goes on from its own checkpoint: leave out --start and --backbone"
            )

    def settings(
        self, changes: dict[str, Any], recipe: Recipe
    ) -> tuple["Checkpoint | None", TrainingConfig, Recipe]:
        """The checkpoint to begin with, and the settings.

        Parameters
        ----------
        changes : settings that options give.
        recipe : as options give it.

        Returns
        -------
        The checkpoint, None at a new training without one; and all settings. To go on, those of
        the checkpoint hold, and what options give must be the same.

        Raises
        ------
        UsageError : the folder holds a training already.
        CheckpointError, TrainingError : a checkpoint or settings that cannot be used.
        """
        from rfcn.training.checkpoints import check_same_training, read_checkpoint
        from rfcn.training.trainer import CHECKPOINT_FILE

        path = self.output / CHECKPOINT_FILE
        if self.resume:
            checkpoint = read_checkpoint(path)
            config = TrainingConfig.from_state({**checkpoint.config, **changes})
            if recipe == Recipe():
                recipe = Recipe.from_dict(checkpoint.recipe)
            check_same_training(path, checkpoint, config, recipe)
            return checkpoint, config, recipe
        if path.exists():
            raise UsageError(
                f"{self.output} already holds a training: go on with --resume, or give another "
                f"--output"
            )
        checkpoint = None
        if self.start is not None:
            checkpoint = read_checkpoint(self.start, net=changes.get("net"))
            changes = {"net": checkpoint.net, **changes}
        config = default_config(retrain=self.start is not None, **{"net": "rfcn-tiny", **changes})
        return checkpoint, config, recipe

    def initialize(self, checkpoint: "Checkpoint | None", model: "RFCN") -> None:
        """Give a new training's network its weights; without a file it keeps random ones.

        Raises
        ------
        CheckpointError, StateDictError, ArrayFileError : weights that do not fit, or no such file.
        """
        from rfcn.model.state_dicts import load_backbone
        from rfcn.training.checkpoints import load_weights

        if self.backbone is not None:
            load_backbone(model, self.backbone)
        elif self.start is not None and checkpoint is not None:
            load_weights(model, checkpoint.model, self.start)
