"""How the blocks are compiled."""

import hashlib
from pathlib import Path
from typing import Any

import numba

_INNER: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

inner: Any = numba.njit(**_INNER)
"""Compiles a function that only compiled ones call: it is kept on disk as a part of them alone."""


def _digest() -> int:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:6], "little")


MADE_FROM = _digest()
"""Tells apart what is compiled from other sources: numba looks only at a function's own file."""
