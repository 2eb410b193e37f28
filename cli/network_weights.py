"""Float weights of all layers of a network: from a checkpoint, or synthetic."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from cli.console import UsageError
from cli.weights import lookup
from golden.array_files import read_arrays
from golden.synthetic import TABLE_3_2, TABLE_3_3
from rfcn.layers import NamedLayer

RPN_LAYER = "rpn_conv/3x3"
"""The layer that Table 3.3 is about; Table 3.2 is about one of the residual blocks."""


class Table(StrEnum):
    """Tables of the LBW-Net paper that synthetic weights are distributed as."""

    BOTH = "both"
    RESIDUAL = "3.2"
    RPN = "3.3"


DESCRIPTIONS = {
    Table.BOTH: "synthetic, no checkpoint: distributed as in Table 3.2 of the LBW-Net paper, "
    f"{RPN_LAYER} as in Table 3.3",
    Table.RESIDUAL: "synthetic, no checkpoint: distributed as in Table 3.2 of the LBW-Net paper",
    Table.RPN: "synthetic, no checkpoint: distributed as in Table 3.3 of the LBW-Net paper",
}
"""What every output says of synthetic weights."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkWeights:
    """Where the float weights of a network come from.

    Parameters
    ----------
    description : what reports say of them.
    arrays : the checkpoint's arrays by name; None for synthetic weights.
    table : the distribution of synthetic weights.
    seed : of synthetic weights, different for each layer.
    """

    description: str
    arrays: dict[str, np.ndarray] | None = None
    table: Table = Table.BOTH
    seed: int = 0

    def check(self, layers: tuple[NamedLayer, ...]) -> None:
        """See that the checkpoint has every layer.

        Raises
        ------
        UsageError : a layer is missing or of another shape.
        """
        if self.arrays is None:
            return
        for layer in layers:
            found = lookup(self.arrays, layer.name)
            if found is None:
                raise UsageError(
                    f"{self.description} has no array for the layer {layer.name}: name it "
                    f"{layer.name} or {layer.name}.weight"
                )
            if found.shape != layer.shape.weight_shape:
                raise UsageError(
                    f"{layer.name} in {self.description} has shape {found.shape}, but the layer "
                    f"needs {layer.shape.weight_shape} (cout, cin, kernel height, kernel width)"
                )

    def of(self, layer: NamedLayer, number: int) -> np.ndarray:
        """The weights of a layer, the network's `number`-th, float (cout, cin, kh, kw)."""
        if self.arrays is not None:
            found = lookup(self.arrays, layer.name)
            assert found is not None, "checked before"
            return found
        rpn = self.table == Table.RPN or (self.table == Table.BOTH and layer.name == RPN_LAYER)
        distribution = TABLE_3_3 if rpn else TABLE_3_2
        return distribution.weights(layer.shape.weight_shape, seed=self.seed + number)


def network_weights(checkpoint: Path | None, *, table: Table, seed: int) -> NetworkWeights:
    """Weights from `checkpoint`, or synthetic ones.

    Raises
    ------
    UsageError : the checkpoint cannot be read.
    """
    if checkpoint is None:
        return NetworkWeights(description=DESCRIPTIONS[table], table=table, seed=seed)
    return NetworkWeights(description=str(checkpoint), arrays=read_arrays(checkpoint))
