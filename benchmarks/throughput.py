"""Cycles per nonzero weight on a full tile: the array's distance from its limit."""

import argparse
from pathlib import Path

from rich.table import Table

from cli.console import console, progress_bar, write_json
from compiler import compile_layer
from golden.quantize import quantize
from golden.shape import ConvShape
from golden.synthetic import DESCRIPTION, table_3_2_weights
from params import preset
from sim.engine import Engine
from sim.simulate import build_harness, simulate
from sim.workload import create_workload

TARGET = 1.03

LAYERS = (
    # name, input channels, output channels, kernel, passes of the full tile
    ("1x1, 64 inputs", 64, 128, 1, 12),
    ("1x1, 256 inputs", 256, 64, 1, 12),
    ("1x1, 1024 inputs", 1024, 64, 1, 3),
    ("3x3, 64 inputs", 64, 64, 3, 12),
    ("3x3, 256 inputs", 256, 64, 3, 8),
    ("3x3, 512 inputs", 512, 32, 3, 4),
)


def main() -> None:
    """Simulate single full tiles and compare their cycles with their nonzero weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="ulx3s")
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--methods", nargs="+", default=["lbw", "exact"])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()

    config = preset(arguments.preset, levels=1 << arguments.bits - 2)
    harness = build_harness(config, engine=Engine.VERILATOR)
    rows = []
    with progress_bar() as bar:
        cases = [(layer, method) for layer in LAYERS for method in arguments.methods]
        for (name, cin, cout, kernel, passes), method in bar.track(cases, description="simulating"):
            shape = ConvShape(
                cin=cin, cout=cout, kernel=kernel,
                height=passes + kernel - 1, width=config.lanes + (kernel - 1) * (kernel > 1)
                - (kernel - 1),
            )  # fmt: skip
            weights = quantize(
                table_3_2_weights(shape.weight_shape), bits=arguments.bits, method=method
            )
            work = create_workload(shape, weights, signed_input=False, signed_output=False)
            program = compile_layer(work.layer, config)
            result = simulate(program, work.image, harness=harness, expected=work.expected)
            if not result.bit_exact:
                raise SystemExit(f"{name}, {method}: {result.mismatch}")
            steps = program.passes * max(int(row.weights.steps.sum()) for row in program.rows)
            rows.append(
                {
                    "layer": name,
                    "method": method,
                    "nonzeros_per_filter": program.nonzeros / cout,
                    "tiles": len(program.tiles),
                    "passes": program.passes,
                    "steps_of_busiest_row": steps,
                    "cycles": result.cycles,
                    "cycles_per_step": result.cycles / steps,
                    "utilisation": program.lower_bound_cycles / result.cycles,
                    "lane_packing": program.lane_packing,
                }
            )
    table = Table(
        title=f"{config.name}, {arguments.bits} bits; {DESCRIPTION}",
        caption=f"cycles per nonzero of the busiest row, target {TARGET} where a filter has at "
        f"least {config.drain_words} nonzeros: lanes / drain width",
    )
    for name in ("layer", "method", "nonzeros a filter", "tiles", "passes", "nonzeros", "cycles",
                 "cycles per nonzero", "utilisation", "lane packing"):  # fmt: skip
        table.add_column(name, justify="left" if name in ("layer", "method") else "right")
    for row in rows:
        table.add_row(
            row["layer"], row["method"], f"{row['nonzeros_per_filter']:.0f}", str(row["tiles"]),
            str(row["passes"]), f"{row['steps_of_busiest_row']:,}", f"{row['cycles']:,}",
            f"{row['cycles_per_step']:.4f}", f"{row['utilisation']:.3f}",
            f"{row['lane_packing']:.3f}",
        )  # fmt: skip
    console.print(table)
    write_json(arguments.json, rows)


if __name__ == "__main__":
    main()
