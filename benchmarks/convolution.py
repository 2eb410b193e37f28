"""Time the golden convolution against PyTorch's float convolution on layers of R-FCN.

    python -m benchmarks.convolution [--bits B ...] [--threads T] [--repeats R] [--json FILE]

The target is at most twice PyTorch's time, with the same number of threads.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

TARGET_RATIO = 2.0

LAYERS = {
    "conv1": {"cin": 3, "cout": 64, "kernel": 7, "stride": 2, "padding": 3, "height": 600,
              "width": 800},
    "res2 3x3": {"cin": 64, "cout": 64, "kernel": 3, "padding": 1, "height": 150, "width": 200},
    "res2 1x1 up": {"cin": 64, "cout": 256, "kernel": 1, "height": 150, "width": 200},
    "res2 1x1 down": {"cin": 256, "cout": 64, "kernel": 1, "height": 150, "width": 200},
    "res3 1x1/2": {"cin": 256, "cout": 512, "kernel": 1, "stride": 2, "height": 150, "width": 200},
    "res4 1x1 down": {"cin": 1024, "cout": 256, "kernel": 1, "height": 38, "width": 50},
    "res4 3x3": {"cin": 256, "cout": 256, "kernel": 3, "padding": 1, "height": 38, "width": 50},
    "res4 1x1 up": {"cin": 256, "cout": 1024, "kernel": 1, "height": 38, "width": 50},
    "res5 3x3 dilated": {"cin": 512, "cout": 512, "kernel": 3, "padding": 2, "dilation": 2,
                         "height": 38, "width": 50},
    "rpn 3x3": {"cin": 1024, "cout": 512, "kernel": 3, "padding": 1, "height": 38, "width": 50},
    "conv_new_1": {"cin": 2048, "cout": 1024, "kernel": 1, "height": 38, "width": 50},
    "rfcn_cls": {"cin": 1024, "cout": 1029, "kernel": 1, "height": 38, "width": 50},
}  # fmt: skip
"""The shape classes of R-FCN on ResNet-50 for a 600x800 image."""


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[4, 5, 6], help="code widths")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of both")
    parser.add_argument("--repeats", type=int, default=5, help="the best of how many runs counts")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if arguments.threads < 1 or arguments.repeats < 1:
        parser.error("--threads and --repeats must be at least 1")
    # BLAS reads its number of threads when NumPy is imported.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(arguments.threads)
    try:
        import torch
    except ImportError:
        sys.exit("this benchmark compares with PyTorch: pip install 'zeroshift[torch]'")
    torch.set_num_threads(arguments.threads)
    torch.set_grad_enabled(False)

    results = []
    for name, layer in LAYERS.items():
        for bits in arguments.bits:
            results.append({"layer": name, "bits": bits, **measure(layer, bits, arguments.repeats)})
    report(results, arguments)


def measure(layer: dict, bits: int, repeats: int) -> dict:
    """Time one layer with weights of `bits` bits; the runs of both alternate."""
    import numpy as np
    import torch

    from golden.convolution import Convolution, convolve
    from golden.quantize import quantize
    from golden.shape import ConvShape
    from golden.synthetic import table_3_2_weights

    shape = ConvShape(**layer)
    weights = quantize(table_3_2_weights(shape.weight_shape), bits=bits, method="exact").integers()
    x = np.random.default_rng(0).integers(0, 256, shape.input_shape)
    float_x = torch.from_numpy(x.astype(np.float32))[None]
    float_weights = torch.from_numpy(weights.astype(np.float32))
    ready = Convolution(weights, shape, largest=255)

    calls = {
        "torch": lambda: torch.nn.functional.conv2d(
            float_x,
            float_weights,
            stride=shape.stride,
            padding=shape.padding,
            dilation=shape.dilation,
        ),
        "golden": lambda: convolve(x, weights, shape),
        "ready": lambda: ready(x),
    }
    seconds = best_times(calls, repeats)
    return {
        "torch_seconds": seconds["torch"],
        "golden_seconds": seconds["golden"],
        "ready_seconds": seconds["ready"],
        "ratio": seconds["golden"] / seconds["torch"],
        "ready_ratio": seconds["ready"] / seconds["torch"],
        "target_met": seconds["golden"] <= TARGET_RATIO * seconds["torch"],
        "arithmetic": ready.plan.arithmetic,
        "digits": ready.plan.digits,
        "parts": len(ready.plan.parts),
    }


def best_times(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Seconds of the fastest of `repeats` runs of each call, after one to warm up."""
    best = dict.fromkeys(calls, float("inf"))
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def report(results: list[dict], arguments: argparse.Namespace) -> None:
    """Print the table and write the file."""
    import numpy as np
    import torch
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"convolution in milliseconds, {arguments.threads} thread(s)")
    for heading in ("layer", "bits", "torch", "golden", "ratio", "ready", "ratio", "plan"):
        table.add_column(heading, justify="left" if heading in ("layer", "plan") else "right")
    for row in results:
        color = "green" if row["target_met"] else "red"
        table.add_row(
            row["layer"],
            str(row["bits"]),
            f"{row['torch_seconds'] * 1e3:.1f}",
            f"{row['golden_seconds'] * 1e3:.1f}",
            f"[{color}]{row['ratio']:.2f}[/]",
            f"{row['ready_seconds'] * 1e3:.1f}",
            f"{row['ready_ratio']:.2f}",
            f"{row['arithmetic']} {row['digits']}/{row['parts']}",
        )
    console = Console()
    console.print(table)
    console.print("ready: weights made ready beforehand; plan: format, digits/parts of the filters")
    totals = {}
    for bits in arguments.bits:
        rows = [row for row in results if row["bits"] == bits]
        golden = sum(row["golden_seconds"] for row in rows)
        totals[bits] = golden / sum(row["torch_seconds"] for row in rows)
        met = sum(row["target_met"] for row in rows)
        console.print(
            f"{bits} bits: all layers together {totals[bits]:.2f} times torch; {met} of "
            f"{len(rows)} layers within {TARGET_RATIO:g} times"
        )
    console.print(
        f"torch {torch.__version__} convolves float32, NumPy {np.__version__} exact integers from "
        f"and to int64; best of {arguments.repeats}"
    )
    if arguments.json:
        figures = {"threads": arguments.threads, "target_ratio": TARGET_RATIO,
                   "ratio_of_totals": totals, "results": results}  # fmt: skip
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
