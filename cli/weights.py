"""Weights from files and for synthetic layers."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cli.console import UsageError
from golden.array_files import read_arrays
from golden.synthetic import DESCRIPTION, table_3_2_weights
from golden.weights import PowerOfTwoWeights, TwoTermWeights

FIELDS = ("sign", "level", "scale", "levels")
"""Arrays that hold one term of a quantized weight array, each under NAME.term.FIELD."""


def lookup(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray | None:
    """The array called `name`, or that with `.weight`; None if there is none."""
    keys = (name, f"{name}.weight", f"{name}/weight")
    return next((arrays[key] for key in keys if key in arrays), None)


def find_array(arrays: Mapping[str, np.ndarray], name: str, path: Path) -> np.ndarray:
    """The weights of layer `name`: the array of that name, or of that name with `.weight`.

    A file with a single array needs no name.
    """
    found = lookup(arrays, name)
    if found is not None:
        return found
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    some = ", ".join(list(arrays)[:6])
    raise UsageError(f"{path} has no array {name!r}; choose one with --array: {some}, ...")


def layer_weights(
    shape: tuple[int, ...], *, path: Path | None, name: str, seed: int
) -> tuple[np.ndarray, str]:
    """Float weights of `shape`, and what reports say of them.

    Raises
    ------
    UsageError : the file's array is missing or of another shape.
    """
    if path is None:
        return table_3_2_weights(shape, seed=seed), DESCRIPTION
    array = find_array(read_arrays(path), name, path)
    if array.shape != shape:
        raise UsageError(
            f"the weights in {path} have shape {array.shape}, but the layer needs {shape} "
            f"(cout, cin, kernel height, kernel width)"
        )
    return array, str(path)


def quantized_arrays(
    name: str, weights: PowerOfTwoWeights | TwoTermWeights
) -> dict[str, np.ndarray]:
    """The arrays that keep quantized weights in a .npz file."""
    terms = weights.terms if isinstance(weights, TwoTermWeights) else (weights,)
    return {
        f"{name}.{t}.{field}": np.asarray(getattr(term, field))
        for t, term in enumerate(terms)
        for field in FIELDS
    }


def find_quantized(
    arrays: Mapping[str, np.ndarray], name: str
) -> PowerOfTwoWeights | TwoTermWeights | None:
    """Quantized weights kept by `quantized_arrays` under `name`, or None."""
    terms = []
    while all(f"{name}.{len(terms)}.{field}" in arrays for field in FIELDS):
        fields = {field: arrays[f"{name}.{len(terms)}.{field}"] for field in FIELDS}
        terms.append(PowerOfTwoWeights(**{**fields, "levels": int(fields["levels"])}))
    if len(terms) > 1:
        return TwoTermWeights(terms=tuple(terms))
    return terms[0] if terms else None
