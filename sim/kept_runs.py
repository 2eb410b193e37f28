"""Finished runs on disk, so that a long simulation goes on where it stopped."""

import json
from pathlib import Path

from golden.files import replacing
from sim.system_record import SystemRecord, from_json, to_json


class KeptRuns:
    """A folder with a file for each run, named after a digest of all that the run depends on."""

    def __init__(self, folder: Path):
        self._folder = folder

    def find(self, key: str) -> SystemRecord | None:
        """The run that was kept as `key`; None if there is none, or its file is damaged."""
        try:
            return from_json(json.loads(self._path(key).read_text()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, key: str, record: SystemRecord) -> None:
        """Keep a run, whole or not at all."""
        with replacing(self._path(key)) as path:
            path.write_text(json.dumps(to_json(record)))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"
