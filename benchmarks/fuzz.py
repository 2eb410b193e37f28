"""Hostile command streams on the simulated system: how their runs end."""

import argparse
import time
from collections import Counter
from pathlib import Path

from rich.table import Table

from cli.console import console, progress_bar, write_json
from params.commands import Fault
from sim.fuzz_maker import CONFIGS
from sim.fuzz_run import Outcome, build_fuzzed, fuzz

PER_SIMULATION = 250
"""Streams of a simulation; the bar moves on after each."""


def main() -> None:
    """Run the streams, half of them on each system; fail if one does what it must not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first stream")
    parser.add_argument("--systems", nargs="+", default=[*CONFIGS], choices=[*CONFIGS])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()

    started = time.perf_counter()
    outcomes: dict[str, list[Outcome]] = {name: [] for name in arguments.systems}
    stop = arguments.first + -(-arguments.streams // len(outcomes))
    parts = [
        (name, first, min(PER_SIMULATION, stop - first))
        for name in outcomes
        for first in range(arguments.first, stop, PER_SIMULATION)
    ]
    with progress_bar() as bar:
        for name, first, count in bar.track(parts, description="fuzzing"):
            harness = build_fuzzed(name)
            outcomes[name] += fuzz(harness, name, seed=arguments.seed, first=first, count=count)
    report = {
        "seed": arguments.seed,
        "first": arguments.first,
        "seconds": time.perf_counter() - started,
        "systems": {name: _figures(own) for name, own in outcomes.items()},
    }
    _show(report["systems"])
    write_json(arguments.json, report)
    bad = [(name, one) for name, own in outcomes.items() for one in own if one.problems]
    for name, one in bad:
        console.print(f"{name}, stream {one.number}, {one.kind}: {'; '.join(one.problems)}")
    if bad:
        raise SystemExit(f"{len(bad)} streams of seed {arguments.seed} went wrong")


def _figures(outcomes: list[Outcome]) -> dict[str, object]:
    """What the runs on a system come to."""
    ends = Counter(one.fault.name for one in outcomes)
    return {
        "streams": len(outcomes),
        "good_streams": sum(one.kind == "good" for one in outcomes),
        "ends": {fault.name: ends[fault.name] for fault in Fault},
        "cycles": sum(one.cycles for one in outcomes),
        "longest": max(one.cycles for one in outcomes),
        "problems": sum(bool(one.problems) for one in outcomes),
    }


def _show(systems: dict[str, dict]) -> None:
    """The figures as a table, a system a column."""
    table = Table(title="How command streams end")
    table.add_column("")
    for name in systems:
        table.add_column(name, justify="right")
    rows = {
        "streams": lambda own: own["streams"],
        "with a good network": lambda own: own["good_streams"],
        **{
            "normal end" if fault == Fault.NONE else f"fault {fault.name}": (
                lambda own, name=fault.name: own["ends"][name]
            )
            for fault in Fault
        },
        "cycles": lambda own: own["cycles"],
        "longest run": lambda own: own["longest"],
        "hangs, broken rules, accesses outside, wrong maps": lambda own: own["problems"],
    }
    for title, value in rows.items():
        table.add_row(title, *(f"{value(own):,}" for own in systems.values()))
    console.print(table)


if __name__ == "__main__":
    main()
