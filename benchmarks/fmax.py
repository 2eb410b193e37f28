"""Clock of the placed and routed array on the ECP5-85F."""

import argparse
import dataclasses
import time
from pathlib import Path

from rich.table import Table

from boards.ecp5 import PARTS, place_and_route, synthesize
from boards.isolated import Isolated
from cli.console import console, errors, write_json
from hw.array import Array
from params import PRESETS, preset

TARGET_MHZ = 110


def main() -> None:
    """Synthesize, place and route a preset's array out of context, and report its clock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, default="ulx3s")
    parser.add_argument("--levels", type=int)
    parser.add_argument("--part", choices=PARTS, default="85F")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--folder", type=Path, default=Path("build/fmax"))
    arguments = parser.parse_args()

    config = preset(arguments.preset, levels=arguments.levels)
    started = time.monotonic()
    with errors.status("synthesizing: a few minutes"):
        resources = synthesize(Isolated(Array(config)), arguments.folder, name="array")
    with errors.status("placing and routing: 10 to 40 minutes"):
        placement = place_and_route(
            arguments.folder, name="array", part=arguments.part, seed=arguments.seed
        )
    minutes = (time.monotonic() - started) / 60

    table = Table(title=f"{config.name} on the ECP5-{arguments.part}", show_header=False)
    table.add_row("clock", f"{placement.fmax_mhz:.1f} MHz (target {TARGET_MHZ})")
    table.add_row("LUT4 with carries", f"{resources.luts:,}")
    table.add_row("per PE", f"{resources.luts / config.processing_elements:.1f}")
    for cell, (used, available) in sorted(placement.utilization.items()):
        if used:
            table.add_row(cell, f"{used:,} of {available:,}")
    table.add_row("time", f"{minutes:.0f} minutes")
    table.add_row("slowest path", placement.critical_path)
    console.print(table)
    write_json(
        arguments.json,
        {
            "config": dataclasses.asdict(config),
            "part": arguments.part,
            "seed": arguments.seed,
            "fmax_mhz": placement.fmax_mhz,
            "resources": dataclasses.asdict(resources),
            "utilization": placement.utilization,
            "critical_path": placement.critical_path,
            "minutes": minutes,
        },
    )


if __name__ == "__main__":
    main()
