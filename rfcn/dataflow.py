"""The steps of a network in the order of execution: its convolutions and its max-pool."""

from collections.abc import Iterable
from dataclasses import dataclass

from golden.network import INPUT
from golden.pooling import MaxPool
from rfcn.layers import NamedLayer

POOL = "pool1"
"""Name of the max-pool, which follows conv1."""

MAX_POOL = MaxPool(kernel=3, stride=2, ceil_mode=True)
"""Its parameters; Caffe rounds up."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What makes one map out of others.

    Parameters
    ----------
    name : of the step and its map.
    layer : the convolution; None for the max-pool.
    source : the step that is read, or `INPUT`; never the name of a block.
    residual : the step that is added, or None.
    """

    name: str
    layer: NamedLayer | None
    source: str
    residual: str | None = None


def dataflow(table: Iterable[NamedLayer]) -> tuple[Step, ...]:
    """The steps of a layer table, with the names of residual blocks resolved to their last layer.

    Parameters
    ----------
    table : of `rfcn.layers.layer_table`.
    """
    names = {INPUT: INPUT, POOL: POOL}
    steps = []
    for layer in table:
        residual = None if layer.residual is None else names[layer.residual]
        steps.append(
            Step(name=layer.name, layer=layer, source=names[layer.source], residual=residual)
        )
        if layer.name == "conv1":
            steps.append(Step(name=POOL, layer=None, source=layer.name))
        names |= dict.fromkeys(layer.names, layer.name)
    return tuple(steps)
