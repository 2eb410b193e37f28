"""A few threads for work that NumPy does on one: copies, conversions and reductions."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

MOST = 4
"""More threads than this gain nothing: the work is bound by memory."""


@cache
def count() -> int:
    """How many threads to use: as many as BLAS was told to, else one per processor, up to 4."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isdecimal() and int(value):
            return min(int(value), MOST)
    return min(os.cpu_count() or 1, MOST)


def share(work: Callable[[int, int], None], pieces: int) -> None:
    """Call `work(first, step)` in several threads: each is to do the pieces first, first+step, ...

    NumPy lets go of the interpreter while it copies, converts or multiplies, so the threads run
    side by side. An exception in any of them is raised here.
    """
    step = min(count(), pieces)
    if step <= 1:
        work(0, 1)
        return
    futures = [_pool().submit(work, first, step) for first in range(1, step)]
    work(0, step)
    for future in futures:
        future.result()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST, thread_name_prefix="golden")
