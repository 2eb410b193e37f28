"""Arrays by name from the files in which users keep weights."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import UserError

WRAPPERS = ("state_dict", "model")
"""Under which of these a checkpoint keeps its state dict, if it is not one itself."""


class ArrayFileError(UserError):
    """No such file, or it cannot be read; the message says why."""


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file, of a .npy file (as `weight`), or of a torch state dict.

    A state dict may lie under one of `WRAPPERS`, and all its names may begin with `module.`, as
    `DataParallel` leaves them. Nothing but tensors is taken from it.

    Raises
    ------
    ArrayFileError : no such file, or it cannot be read.
    """
    if not path.is_file():
        raise ArrayFileError(f"there is no file {path}; give an existing .npz, .npy, .pt or .pth")
    if path.suffix in (".pt", ".pth"):
        return _read_state_dict(path)
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            return {"weight": loaded}
        with loaded:
            return dict(loaded)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as failure:
        raise ArrayFileError(
            f"{path} is no .npz or .npy file of plain arrays: {failure}"
        ) from failure


def _read_state_dict(path: Path) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError as failure:
        raise ArrayFileError(
            f"reading {path} needs torch: pip install 'zeroshift[torch]', or save the arrays "
            f"as .npz"
        ) from failure
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
        for wrapper in WRAPPERS:
            if isinstance(state.get(wrapper), Mapping):
                state = state[wrapper]
        tensors = {name: value for name, value in state.items() if hasattr(value, "numpy")}
        # NumPy has no bfloat16.
        arrays = {
            name: (value.float() if value.dtype == torch.bfloat16 else value).detach().numpy()
            for name, value in tensors.items()
        }
    except Exception as failure:  # torch raises many kinds here; all mean the same to the user
        reason = str(failure).splitlines()[0] if str(failure) else type(failure).__name__
        raise ArrayFileError(f"{path} is no torch state dict: {reason}") from failure
    if all(name.startswith("module.") for name in arrays):
        return {name.removeprefix("module."): value for name, value in arrays.items()}
    return arrays
