"""The UART link on a simulated line that does every kind of harm: what comes of it."""

import argparse
import random
import time
from pathlib import Path

from rich.table import Table

from cli.console import console, progress_bar, write_json
from host.exchange import BITS_PER_BYTE
from host.link import Link
from sim.link_line import Board, SimulatedLine
from sim.link_trial import FORBIDDEN, LINES, TIMEOUT, Outcome, Trial

BROKEN = "broken frames"

BOARDS = {
    2: Board(bus_bytes=2, payload_bytes=1024, stalls=0.3, latency=20, order=2),
    4: Board(),
    16: Board(clock_hz=50_000_000, bus_bytes=16, payload_bytes=1024, latency=3, order=1),
}
"""By the width of the memory bus."""

CLOCK_RATIOS = (1.0, 0.975, 1.025)
"""The host's bit in bits of the board, in turns."""


MEASURED_BYTES = 1 << 15
"""Written and read to see what share of the line's time is theirs."""


def line_share(board: Board, seed: int) -> tuple[float, float]:
    """The time of random bytes, in that which writing and reading them takes on a good line."""
    line = SimulatedLine(board, seed=seed)
    try:
        link = Link(line, timeout=TIMEOUT)
        data = random.Random(seed).randbytes(MEASURED_BYTES)
        times = [line.now()]
        link.write_memory(0, data)
        times.append(line.now())
        link.read_memory(0, len(data))
        times.append(line.now())
    finally:
        line.close()
    needed = BITS_PER_BYTE * len(data) / board.baud
    return needed / (times[1] - times[0]), needed / (times[2] - times[1])


def main() -> None:
    """Try every kind of line on every board; fail if a byte is wrong or the next frame is lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--frames", type=int, default=20_000, help="frames in all, a share for each board and line"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--buses", nargs="+", type=int, default=[*BOARDS], choices=[*BOARDS], metavar="BYTES",
        help=f"widths of the memory bus, of {', '.join(map(str, BOARDS))}",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()

    started = time.perf_counter()
    kinds = [*LINES, BROKEN]
    trials = [(bus, kind) for bus in arguments.buses for kind in kinds]
    frames = -(-arguments.frames // len(trials))
    outcomes: dict[str, Outcome] = {}
    with progress_bar() as bar:
        task = bar.add_task("frames", total=frames * len(trials))
        for number, (bus, kind) in enumerate(trials):
            trial = Trial(
                BOARDS[bus],
                seed=arguments.seed + number,
                clock_ratio=CLOCK_RATIOS[number % len(CLOCK_RATIOS)],
            )
            try:
                if kind == BROKEN:
                    trial.send_broken(frames, progress=lambda n: bar.advance(task, n))
                else:
                    trial.run(frames, faults=LINES[kind], progress=lambda n: bar.advance(task, n))
            finally:
                trial.close()
            outcomes[f"{bus} bytes, {kind}"] = trial.outcome
    show(outcomes)
    shares = {bus: line_share(BOARDS[bus], arguments.seed) for bus in arguments.buses}
    for bus, (written, read) in shares.items():
        console.print(
            f"frames of {BOARDS[bus].payload_bytes} bytes, bus of {bus}: {MEASURED_BYTES:,} random "
            f"bytes are written at {written:.1%} of the line's rate and read at {read:.1%}"
        )
    console.print(f"seed {arguments.seed}, {time.perf_counter() - started:.0f} s")
    write_json(
        arguments.json,
        {
            "seed": arguments.seed,
            "shares": {str(bus): share for bus, share in shares.items()},
            "trials": {name: vars(outcome) for name, outcome in outcomes.items()},
        },
    )
    bad = [name for name, outcome in outcomes.items() if not outcome.good]
    if bad:
        raise SystemExit(f"the link of seed {arguments.seed} went wrong on: {'; '.join(bad)}")


def show(outcomes: dict[str, Outcome]) -> None:
    """What was sent, what harm was done, and what must be 0."""
    table = Table(title="the link on bad lines")
    for name in ("bus, line", "frames", "again", "harm done", *FORBIDDEN):
        table.add_column(name.replace("_", " "), justify="left" if name == "bus, line" else "right")
    for name, outcome in outcomes.items():
        harm = outcome.injected + outcome.broken
        table.add_row(
            name,
            f"{outcome.frames + outcome.broken.total():,}",
            f"{outcome.repeated:,}",
            ", ".join(f"{count:,} {kind}" for kind, count in sorted(harm.items())),
            *(f"{getattr(outcome, figure):,}" for figure in FORBIDDEN),
        )
    everything = list(outcomes.values())
    table.add_section()
    table.add_row(
        "all",
        f"{sum(one.frames + one.broken.total() for one in everything):,}",
        f"{sum(one.repeated for one in everything):,}",
        f"{sum((one.injected + one.broken).total() for one in everything):,}",
        *(f"{sum(getattr(one, figure) for one in everything):,}" for figure in FORBIDDEN),
    )
    console.print(table)
    console.print(
        "wrong: bytes that are not what was written; answered: broken frames that were; started: "
        "runs too many or too few; next lost: first requests on a line that has become good that "
        "did not get through at once; violations: of AXI4."
    )


if __name__ == "__main__":
    main()
