"""Assigns filters to rows, and to the filters that share a row."""

import heapq

import numba
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
    order = np.argsort(-np.count_nonzero(support, axis=1), kind="stable")
    _pair(_words(support[:, sample]), order, groups)
    return groups


@numba.njit(cache=True, nogil=True)
def _ones(word):
    """Bits of a word that are set."""
    count = 0
    while word:
        word &= word - np.uint64(1)
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _pair(sketches, order, groups):
    """Fill `groups`: of the filters left the first in `order`, then those that overlap most."""
    cout, words = sketches.shape
    free = np.ones(cout, np.bool_)
    overlap = np.zeros(cout, np.int64)
    place = 0
    for group in range(len(groups)):
        while not free[order[place]]:
            place += 1
        last = order[place]
        groups[group, 0] = last
        free[last] = False
        overlap[:] = 0
        for n in range(1, min(groups.shape[1], cout - group * groups.shape[1])):
            best = -1
            for other in range(cout):
                if free[other]:
                    for word in range(words):
                        overlap[other] += _ones(sketches[other, word] & sketches[last, word])
                    if best < 0 or overlap[other] > overlap[best]:
                        best = other
            last = best
            groups[group, n] = last
            free[last] = False


def _words(support: np.ndarray) -> np.ndarray:
    """Flags of each filter, bool (cout, n), as uint64 (cout, words)."""
    cout, count = support.shape
    padded = np.zeros((cout, -(-count // 64) * 64), dtype=bool)
    padded[:, :count] = support
    return np.packbits(padded, axis=1).view(np.uint64)


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
