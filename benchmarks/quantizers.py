"""Time the quantizers on many weights, beside the error and the density they give.

    python -m benchmarks.quantizers [--weights N] [--repeats R] [--json FILE]

The target is 0.5 s for `exact` and `lbw` on 25 million float32 weights.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from golden.quantize import quantize, relative_error
from golden.synthetic import DESCRIPTION, table_3_2_weights

TARGET_SECONDS = 0.5

MEASURED_WEIGHTS = 1_000_000
"""Weights on which error and density are evaluated; they do not depend on the number."""

SETTINGS: dict[str, dict] = {
    "lbw": {"method": "lbw"},
    "lbw, all sums": {"method": "lbw", "partial_sums": None},
    "exact": {"method": "exact"},
    "exact, sparsity 0.5": {"method": "exact", "sparsity": 0.5},
    "inq": {"method": "inq"},
    "exact, two terms": {"method": "exact", "terms": 2},
    "lbw, per channel": {"method": "lbw", "per_channel": True},
    "exact, per channel": {"method": "exact", "per_channel": True},
}

TARGETED = ("lbw", "exact")


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weights", type=int, default=25_000_000, help="number of weights")
    parser.add_argument("--bits", type=int, nargs="+", default=[2, 4, 6], help="code widths")
    parser.add_argument("--repeats", type=int, default=3, help="the best of how many runs counts")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if arguments.weights < 1 or arguments.repeats < 1:
        parser.error("--weights and --repeats must be at least 1")

    channels = max(1, min(2048, arguments.weights // 64))
    weights = table_3_2_weights((channels, -(-arguments.weights // channels)))
    some = weights[:, : max(1, MEASURED_WEIGHTS // channels)]
    table = Table(title=f"quantizing {weights.size:,} float32 weights in {channels} channels")
    for heading in ("bits", "method", "seconds", "ns each", "density", "error", "target"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    results = []
    for bits in arguments.bits:
        for name, settings in SETTINGS.items():
            seconds = best_time(lambda b=bits, s=settings: quantize(weights, bits=b, **s),
                                arguments.repeats)  # fmt: skip
            quantized = quantize(some, bits=bits, **settings)
            error = relative_error(some, quantized)
            met = seconds <= TARGET_SECONDS if name in TARGETED else None
            results.append(
                {
                    "bits": bits,
                    "method": name,
                    "seconds": seconds,
                    "density": quantized.density,
                    "relative_error": error,
                    "target_met": met,
                }
            )
            table.add_row(
                str(bits),
                name,
                f"{seconds:.3f}",
                f"{seconds / weights.size * 1e9:.1f}",
                f"{quantized.density:.3f}",
                f"{error:.4f}",
                "" if met is None else "met" if met else "missed",
            )
    console = Console()
    console.print(table)
    console.print(f"target: {TARGET_SECONDS} s; error: |W - Q|^2 / |W|^2")
    console.print(f"weights: {DESCRIPTION}; NumPy {np.__version__}, best of {arguments.repeats}")
    if arguments.json:
        report = {"weights": int(weights.size), "target_seconds": TARGET_SECONDS,
                  "results": results}  # fmt: skip
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def best_time(call: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of `repeats` calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
