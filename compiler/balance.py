"""Assigns filters to rows, and to the filters that share a row."""

import heapq

import numpy as np

SKETCH = 512
"""Positions that are looked at to tell how similar two filters are."""


def pair_filters(support: np.ndarray, size: int) -> np.ndarray:
    """Group filters so that those of a group are nonzero at similar positions.

    A row steps through the union of its filters' nonzero positions. Starting with the densest
    filter left, each group takes the filters that overlap most with its members, on a sample of
    the positions.

    Parameters
    ----------
    support : bool (cout, positions), where each filter is nonzero.
    size : filters per group (F).

    Returns
    -------
    int64 (ceil(cout / size), size), channel numbers, -1 for a missing filter.
    """
    cout, positions = support.shape
    groups = np.full((-(-cout // size), size), -1)
    if size == 1 or support.all():
        groups.reshape(-1)[:cout] = np.arange(cout)
        return groups
    sample = np.arange(0, positions, max(1, positions // SKETCH))
    sketch = support[:, sample].astype(np.float32)
    overlap = sketch @ sketch.T
    order = np.argsort(-support.sum(axis=1), kind="stable")
    free = np.ones(cout, dtype=bool)
    seeds = iter(order)
    for group in groups:
        member = next(seed for seed in seeds if free[seed])
        score = np.zeros(cout, dtype=np.float32)
        for n in range(min(size, int(free.sum()))):
            if n:
                member = int(np.where(free, score, -1).argmax())
            group[n] = member
            free[member] = False
            score += overlap[member]
    return groups


def group_steps(support: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Positions at which any filter of a group is nonzero.

    Parameters
    ----------
    support : bool (cout, positions).
    groups : int64 (groups, F), channel numbers, -1 for a missing filter.

    Returns
    -------
    int64 (groups,).
    """
    union = support[groups[:, 0]]
    for members in groups.T[1:]:
        union |= support[members] & (members >= 0)[:, None]
    return np.count_nonzero(union, axis=1)


def assign_rows(costs: np.ndarray, rows: int) -> list[np.ndarray]:
    """Distribute filter groups over rows: the costliest first, to the row with the least so far.

    Parameters
    ----------
    costs : int (groups,), cycles of each filter group.
    rows : rows of the array (K).

    Returns
    -------
    For each row the numbers of its groups, ascending; empty where there are fewer groups.
    """
    heap = [(0, row) for row in range(rows)]
    members: list[list[int]] = [[] for _ in range(rows)]
    for group in np.argsort(-costs, kind="stable"):
        load, row = heapq.heappop(heap)
        members[row].append(int(group))
        heapq.heappush(heap, (load + int(costs[group]), row))
    return [np.array(sorted(row), dtype=np.int64) for row in members]
