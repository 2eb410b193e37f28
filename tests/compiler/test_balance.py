import numpy as np
import pytest

from compiler.balance import assign_rows, pair_filters


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("cout", [1, 2, 3, 7, 12])
def test_every_filter_is_in_one_group(size, cout):
    support = np.random.default_rng(cout).random((cout, 30)) < 0.4
    groups = pair_filters(support, size)
    assert groups.shape == (-(-cout // size), size)
    assert sorted(groups[groups >= 0]) == list(range(cout))


@pytest.mark.parametrize("size", [1, 2, 8])
def test_filters_without_a_zero_stay_in_order(size):
    groups = pair_filters(np.ones((11, 30), dtype=bool), size)
    assert groups.reshape(-1)[:11].tolist() == list(range(11))
    assert (groups.reshape(-1)[11:] == -1).all()


def test_filters_of_equal_support_are_paired():
    rng = np.random.default_rng(1)
    kinds = rng.random((20, 400)) < 0.2
    order = rng.permutation(np.repeat(np.arange(20), 2))
    groups = pair_filters(kinds[order], 2)
    assert (order[groups[:, 0]] == order[groups[:, 1]]).all()


def test_pairing_does_not_lose_to_chance():
    rng = np.random.default_rng(2)
    support = rng.random((64, 600)) < rng.uniform(0.05, 0.6, (64, 1))

    def steps(groups):
        return support[groups].any(axis=1).sum()

    assert steps(pair_filters(support, 2)) < steps(np.arange(64).reshape(-1, 2))


@pytest.mark.parametrize("rows", [1, 2, 4, 5])
def test_rows_get_about_the_same_work(rows):
    costs = np.random.default_rng(rows).integers(1, 50, 41)
    members = assign_rows(costs, rows)
    assert sorted(np.concatenate(members)) == list(range(41))
    loads = [costs[row].sum() for row in members]
    assert max(loads) - min(loads) <= costs.min() + 2


def test_rows_without_filters_are_empty():
    members = assign_rows(np.array([3, 5]), 4)
    assert [row.tolist() for row in members] == [[1], [0], [], []]
