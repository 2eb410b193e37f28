"""A file is there whole, or as it was."""

import os

import pytest

from golden.files import replacing


def test_the_file_takes_its_place_with_its_folder(tmp_path):
    path = tmp_path / "new" / "result.txt"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert temporary.suffix == ".txt"
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["result.txt"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def fail_halfway(path):
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError


def test_a_failure_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("before")
    with pytest.raises(RuntimeError):
        fail_halfway(path)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["result.txt"]
