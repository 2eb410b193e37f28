"""What makes outputs of sums, as the fields of `params.layouts.epilogue` and `clamp`."""

import numpy as np

from compiler.bounds import offsets
from golden.float_layer import FloatConv
from golden.layer import IntegerConv
from params import ArrayConfig


def epilogue_fields(layer: IntegerConv | FloatConv, config: ArrayConfig) -> dict[str, np.ndarray]:
    """The epilogue of every output channel, and behind them that of a missing filter.

    Returns int64 (cout + 1,) for each field.
    """
    if isinstance(layer, FloatConv):
        fields = {"bias": layer.bias.view(np.uint32)}
    else:
        fields = {
            "multiplier": layer.requantization.multiplier,
            "offset": offsets(layer, config),
            "shift": layer.requantization.shift,
        }
        if config.residuals:
            added = layer.requantization.residual_multiplier
            fields["residual_multiplier"] = np.zeros(layer.shape.cout) if added is None else added
    return {key: np.array([*values, 0], dtype=np.int64) for key, values in fields.items()}


def clamp_fields(layer: IntegerConv | FloatConv) -> dict[str, int]:
    """What bounds the outputs of a layer."""
    if isinstance(layer, FloatConv):
        return {"relu": int(layer.relu)}
    return {"low": layer.requantization.low, "high": layer.requantization.high}
