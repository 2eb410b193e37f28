"""What the bridge of the UART link takes on an ECP5, and its clock."""

import argparse
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from boards.ecp5 import place_and_route, synthesize
from boards.isolated import Isolated
from cli.console import console, errors, write_json
from hw.link.bridge import LinkBridge


def main() -> None:
    """Synthesize, place and route the bridge out of context."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buses", nargs="+", type=int, default=[2, 4, 16], metavar="BYTES")
    parser.add_argument("--payload", type=int, default=1024)
    parser.add_argument("--clock-mhz", type=float, default=100.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--folder", type=Path, default=Path("build/link-area"))
    arguments = parser.parse_args()

    table = Table(title="the link's bridge on the ECP5-85F")
    for column in ("bus", "LUT4 with carries", "flip-flops", "block RAMs", "clock", "slowest path"):
        table.add_column(column)
    report = []
    for bus in arguments.buses:
        bridge = LinkBridge(
            clock_hz=round(1e6 * arguments.clock_mhz),
            bus_bytes=bus,
            payload_bytes=arguments.payload,
            memory_bytes=1 << 25,
        )
        folder = arguments.folder / f"bus{bus}"
        with errors.status(f"a bus of {bus} bytes: a minute"):
            resources = synthesize(Isolated(bridge), folder, name="link", wide_tables=False)
            placement = place_and_route(folder, name="link", seed=arguments.seed)
        table.add_row(
            f"{bus} bytes", f"{resources.luts:,}", f"{resources.ff:,}", f"{resources.ebr}",
            f"{placement.fmax_mhz:.1f} MHz", placement.critical_path,
        )  # fmt: skip
        report.append({"bus": bus, "resources": asdict(resources), "fmax_mhz": placement.fmax_mhz})
    console.print(table)
    write_json(arguments.json, report)


if __name__ == "__main__":
    main()
