"""Simulated cycles per second."""

import argparse
from pathlib import Path

from rich.table import Table

from cli.console import console, progress_bar, write_json
from compiler import compile_layer
from golden.quantize import quantize
from golden.synthetic import table_3_2_weights
from params import preset
from rfcn.layers import find_layer
from sim.engine import Engine
from sim.simulate import build_harness, simulate
from sim.workload import create_workload

TARGET = 150_000


def main() -> None:
    """Run the RPN's 3x3 convolution, whole or cropped, and divide its cycles by the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="+", default=["ulx3s"])
    parser.add_argument("--rows", type=int, default=8, help="rows of the 50 pixels wide image")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()

    rows = []
    shape = find_layer("rfcn-resnet50", "rpn_conv/3x3").shape.cropped(arguments.rows, 50)
    with progress_bar() as bar:
        for name in bar.track(arguments.presets, description="simulating"):
            config = preset(name)
            weights = quantize(table_3_2_weights(shape.weight_shape), levels=config.levels)
            work = create_workload(shape, weights, signed_input=False, signed_output=False)
            program = compile_layer(work.layer, config)
            harness = build_harness(config, engine=Engine.VERILATOR)
            result = simulate(program, work.image, harness=harness, expected=work.expected)
            if not result.bit_exact:
                raise SystemExit(f"{name}: {result.mismatch}")
            rows.append(
                {
                    "preset": name,
                    "processing_elements": config.processing_elements,
                    "cycles": result.cycles + result.load_cycles,
                    "seconds": result.seconds,
                    "cycles_per_second": result.cycles_per_second,
                }
            )
    table = Table(title=f"Verilator under cocotb, start-up included; target {TARGET:,} for ulx3s")
    for name in ("preset", "PEs", "cycles", "seconds", "cycles per second"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row["preset"], str(row["processing_elements"]), f"{row['cycles']:,}",
            f"{row['seconds']:.1f}", f"{row['cycles_per_second']:,.0f}",
        )  # fmt: skip
    console.print(table)
    write_json(arguments.json, rows)


if __name__ == "__main__":
    main()
