"""Weights as the fields of `params.layouts.code`."""

import numpy as np

from params import ArrayConfig
from params.arithmetic import Arithmetic


def code_fields(weights: np.ndarray, config: ArrayConfig) -> dict[str, np.ndarray]:
    """The code of every weight.

    Parameters
    ----------
    weights : (n,), int64 or, for a float32 array, float32; as the array can hold them.
    """
    match config.arithmetic:
        case Arithmetic.INT8:
            return {"weight": weights}
        case Arithmetic.FLOAT32:
            return {"weight": weights.astype(np.float32).view(np.uint32)}
    return {"sign": weights < 0, "exponent": exponents(weights)}


def code_weights(fields: dict[str, np.ndarray], config: ArrayConfig) -> np.ndarray:
    """The weights of codes, int64 or float32 (n,): the inverse of `fields`."""
    match config.arithmetic:
        case Arithmetic.INT8:
            return fields["weight"].astype(np.int64)
        case Arithmetic.FLOAT32:
            return fields["weight"].astype(np.uint32).view(np.float32)
    return (1 - 2 * fields["sign"].astype(np.int64)) << fields["exponent"]


def exponents(weights: np.ndarray) -> np.ndarray:
    """e of nonzero weights +-2^e, exact: frexp gives 0.5 * 2^(e + 1)."""
    return np.frexp(np.abs(weights).astype(np.float64))[1].astype(np.int64) - 1
