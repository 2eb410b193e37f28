"""Arrays from .npz, .npy and torch files, and files that are none."""

import numpy as np
import pytest
import torch

from golden.array_files import ArrayFileError, read_arrays

WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4)


def same(found, **expected):
    assert found.keys() == {name.replace("__", ".") for name in expected}
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name.replace("__", ".")], value)
    return True


def test_numpy_files(tmp_path):
    np.savez(tmp_path / "a.npz", first=WEIGHTS, second=WEIGHTS + 1)
    np.save(tmp_path / "a.npy", WEIGHTS)
    assert same(read_arrays(tmp_path / "a.npz"), first=WEIGHTS, second=WEIGHTS + 1)
    assert same(read_arrays(tmp_path / "a.npy"), weight=WEIGHTS)


@pytest.mark.parametrize("suffix", ["pt", "pth"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": {f"module.{name}": value for name, value in state.items()}},
    ],
)
def test_torch_files(wrap, suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    state = {"conv1.weight": torch.from_numpy(WEIGHTS), "conv1.bias": torch.ones(2)}
    torch.save(wrap({**state, "version": 1}), path)
    assert same(read_arrays(path), conv1__weight=WEIGHTS, conv1__bias=[1, 1])


def test_parameters_and_bfloat16(tmp_path):
    torch.save(
        {"a": torch.nn.Parameter(torch.ones(2)), "b": torch.full((2,), 1.5, dtype=torch.bfloat16)},
        tmp_path / "a.pt",
    )
    assert same(read_arrays(tmp_path / "a.pt"), a=[1, 1], b=[1.5, 1.5])


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ArrayFileError, match=r"there is no file .*missing\.npz"):
        read_arrays(tmp_path / "missing.npz")
    for name, kind in (("a.npz", ".npz or .npy file"), ("a.pt", "torch state dict")):
        (tmp_path / name).write_bytes(b"no weights at all")
        with pytest.raises(ArrayFileError, match=f"{name} is no {kind}"):
            read_arrays(tmp_path / name)
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ArrayFileError, match=r"objects\.npy is no .* plain arrays"):
        read_arrays(tmp_path / "objects.npy")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ArrayFileError, match=r"list\.pt is no torch state dict"):
        read_arrays(tmp_path / "list.pt")


class Rogue:
    """Would run code when unpickled."""

    def __reduce__(self):
        return print, ("run",)


def test_nothing_in_a_torch_file_is_run(tmp_path, capsys):
    torch.save({"conv1.weight": Rogue()}, tmp_path / "a.pt")
    with pytest.raises(ArrayFileError, match="is no torch state dict"):
        read_arrays(tmp_path / "a.pt")
    assert not capsys.readouterr().out
