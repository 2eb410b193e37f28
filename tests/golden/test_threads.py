import numpy as np
import pytest

from golden import threads


@pytest.fixture(params=[1, 2, 4])
def several(request, monkeypatch):
    monkeypatch.setattr(threads, "count", lambda: request.param)
    return request.param


@pytest.mark.parametrize("pieces", [0, 1, 2, 3, 11])
def test_every_piece_is_done_once(several, pieces):
    done = np.zeros(pieces, int)

    def work(first, step):
        done[first::step] += 1

    threads.share(work, pieces)
    assert (done == 1).all()


def test_an_exception_comes_back(several):
    def work(first, step):
        if first == step - 1:
            raise ArithmeticError(first)

    with pytest.raises(ArithmeticError):
        threads.share(work, 4)


@pytest.mark.parametrize(("value", "expected"), [("1", 1), ("2", 2), ("64", 4)])
def test_as_many_as_blas_was_told(monkeypatch, value, expected):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", value)
    assert threads.count.__wrapped__() == expected


@pytest.mark.parametrize("value", ["", "0", "many"])
def test_one_per_processor_otherwise(monkeypatch, value):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 3)
    assert threads.count.__wrapped__() == 3
