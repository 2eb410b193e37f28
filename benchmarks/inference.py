"""Time the integer inference of a whole network, and the memory it takes.

    python -m benchmarks.inference [--net NET] [--image HxW] [--bits B ...] [--threads T]
                                   [--samples N] [--json FILE]

The targets are 5 minutes and 12 GiB for R-FCN on ResNet-50 at 600x800. Some outputs of every layer
are compared with plain loops.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path

TARGET_SECONDS, TARGET_BYTES = 300.0, 12 << 30


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--net", default="rfcn-resnet50")
    parser.add_argument("--image", default="600x800", help="HEIGHTxWIDTH")
    parser.add_argument("--bits", type=int, nargs="+", default=[4, 6], help="code widths")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--samples", type=int, default=2, help="outputs of each layer to check")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if arguments.threads < 1 or arguments.samples < 0:
        parser.error("--threads must be at least 1, --samples at least 0")
    # BLAS reads its number of threads when NumPy is imported.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(arguments.threads)
    report(
        [measure(arguments.net, arguments.image, bits, arguments.samples)
         for bits in arguments.bits], arguments,
    )  # fmt: skip


def measure(net: str, image: str, bits: int, samples: int) -> dict:
    """Time two runs, the first of which makes the weights ready, and check some outputs."""
    import numpy as np

    from cli.layers import parse_size
    from rfcn.synthetic import synthetic_network

    network = synthetic_network(net, *parse_size(image, "--image"), bits=bits)
    form = network.input.format
    rng = np.random.default_rng(0)
    pixels = rng.integers(form.low, form.high, network.input.shape, endpoint=True)
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        network.run(pixels)
        seconds.append(time.perf_counter() - begun)
    # Linux counts it in KiB; the check that follows keeps every map and takes more.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return {
        "net": net,
        "image": image,
        "bits": bits,
        "macs": network.macs,
        "first_seconds": seconds[0],
        "seconds": seconds[1],
        "gmac_per_second": network.macs / seconds[1] / 1e9,
        "peak_bytes": peak,
        "checked": check(network, pixels, samples, rng),
        "target_met": seconds[0] <= TARGET_SECONDS and peak <= TARGET_BYTES,
    }


def check(network, pixels, samples: int, rng) -> int:
    """Compare `samples` outputs of every convolution with Python's integers; how many were."""
    maps = network.run(pixels, keep=network.maps)
    checked = 0
    for node in network.nodes:
        for _ in range(samples if node.op == "convolution" else 0):
            at = tuple(int(rng.integers(n)) for n in maps[node.name].shape)
            expected = output(node, maps, *at)
            if maps[node.name][at] != expected:
                raise SystemExit(
                    f"{node.name} gives {maps[node.name][at]} at {at}, the loops {expected}"
                )
            checked += 1
    return checked


def output(node, maps, channel: int, y: int, x: int) -> int:
    """One output of a convolution, tap by tap, in Python's integers."""
    import numpy as np

    shape, rule = node.layer.shape, node.layer.requantization
    total = 0
    for term, c, ky, kx in np.argwhere(node.layer.terms[:, channel]).tolist():
        row = y * shape.stride[0] + ky * shape.dilation[0] - shape.padding[0]
        column = x * shape.stride[1] + kx * shape.dilation[1] - shape.padding[1]
        if 0 <= row < shape.height and 0 <= column < shape.width:
            weight = int(node.layer.terms[term, channel, c, ky, kx])
            total += weight * int(maps[node.source][c, row, column])
    shift = int(rule.shift[channel])
    total = total * int(rule.multiplier[channel]) + int(rule.bias[channel])
    if node.residual is not None:
        added = int(maps[node.residual.source][channel, y, x])
        multiplier = int(node.residual.multiplier[channel])
        total += added * multiplier << int(node.residual.shift[channel])
    # Floor division rounds down, so half a step first makes it nearest with ties up.
    total = (total + (1 << shift >> 1)) // (1 << shift)
    return min(max(total, rule.low), rule.high)


def report(results: list[dict], arguments: argparse.Namespace) -> None:
    """Print the table and write the file."""
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from golden.synthetic import DESCRIPTION

    table = Table(title=f"{arguments.net} at {arguments.image}, {arguments.threads} thread(s)")
    for heading in ("bits", "GMAC", "first run", "second run", "GMAC/s", "peak", "checked",
                    "target"):  # fmt: skip
        table.add_column(heading, justify="right")
    for row in results:
        table.add_row(
            str(row["bits"]),
            f"{row['macs'] / 1e9:.1f}",
            f"{row['first_seconds']:.1f} s",
            f"{row['seconds']:.1f} s",
            f"{row['gmac_per_second']:.1f}",
            f"{row['peak_bytes'] / 2**30:.2f} GiB",
            str(row["checked"]),
            "met" if row["target_met"] else "missed",
        )
    console = Console()
    console.print(table)
    console.print("first run: with the weights made ready; peak: of the process up to then")
    console.print(f"weights: {DESCRIPTION}; NumPy {np.__version__}")
    if arguments.json:
        figures = {
            "threads": arguments.threads, "target_seconds": TARGET_SECONDS,
            "target_bytes": TARGET_BYTES, "results": results,
        }  # fmt: skip
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
