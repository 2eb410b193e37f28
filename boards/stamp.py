"""Tells whether a file is what it would become again."""

import hashlib
from pathlib import Path


class Stamp:
    """A file with the digest of what another was made from; long runs go on where they stopped.

    Parameters
    ----------
    path : of the stamp.
    sources : all that the other file depends on.
    """

    def __init__(self, path: Path, *sources: str):
        self._path = path
        digest = hashlib.sha256()
        for source in sources:
            digest.update(hashlib.sha256(source.encode()).digest())
        self._digest = digest.hexdigest()

    def holds(self, result: Path) -> bool:
        """Whether `result` is there and was made from the same sources; if not, none is any more.

        So what is left of an attempt that breaks off is not taken for a result.
        """
        same = self._path.exists() and self._path.read_text().strip() == self._digest
        if same and result.exists():
            return True
        self._path.unlink(missing_ok=True)
        return False

    def set(self) -> None:
        """Say that the result is made from the sources."""
        self._path.write_text(self._digest + "\n")
