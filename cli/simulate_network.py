"""`zeroshift simulate --whole`: networks on the simulated system."""

import dataclasses
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from cli.console import UsageError, console, errors, progress_bar, write_json
from cli.layers import parse_size
from cli.system_pictures import draw_system
from compiler.system.spans import LayerCycles
from golden.layer import QuantizedConv
from golden.network import INPUT, IntegerNetwork
from golden.network_files import read_network
from params import preset
from params.system import SystemConfig
from rfcn.data.images import load_image, prepare
from rfcn.networks import find_network
from rfcn.pretrained import INTEGER
from sim.engine import Engine
from sim.system_network import SystemRun, expected_beats, simulate_system
from sim.system_run import Memory


@dataclass(frozen=True, kw_only=True)
class WholeOptions:
    """What `zeroshift simulate --whole` is asked for; see its options."""

    net: str
    network: Path | None
    image: str | None
    bits: int
    preset_name: str
    engine: Engine
    layers: str | None
    parts: int
    workers: int
    scheduler: str | None
    reuse: bool
    bus_bytes: int
    latency: int
    stalls: float
    seed: int
    plots: Path | None
    json_path: Path | None


def simulate_whole(options: WholeOptions) -> None:
    """Run a network on the system, compare all its maps, and show what each layer took.

    Raises
    ------
    UsageError : options that do not go together, or a map that differs.
    """
    network, pixels, source = _load(options)
    config = _config(options, network)
    memory = Memory(latency=options.latency, stalls=options.stalls, seed=options.seed)
    names = [node.name for node in network.nodes]
    nodes = _nodes(options.layers, names)
    with progress_bar() as bar:
        task = bar.add_task("computing the golden maps", total=len(names))
        maps = network.run(pixels, [INPUT, *names], telling=lambda node: bar.advance(task))
    runs = _run(options, network, maps, config, memory, nodes)
    report = _report(options, config, runs, source)
    write_json(options.json_path, report)
    console.print(_table(report))
    if options.plots is not None:
        for path in draw_system(options.plots, runs, title=report["title"]):
            console.print(f"drawn: {path}")
    failure = next((run.failure for run in runs if run.failure), None)
    if failure:
        raise UsageError(failure)


def _load(options: WholeOptions) -> tuple[IntegerNetwork, np.ndarray, str]:
    """The network, its pixels, and where its weights come from."""
    path = options.network
    if path is None and options.net == "rfcn-tiny":
        if options.bits not in INTEGER:
            raise UsageError(
                f"rfcn-tiny comes with {' and '.join(map(str, INTEGER))} bits; --bits is "
                f"{options.bits}"
            )
        path = INTEGER[options.bits]
    picture = options.image is not None and Path(options.image).suffix != ""
    ready = None
    if picture:
        net = options.net if path is None else read_network(path).net
        ready, _ = prepare(load_image(Path(str(options.image))), find_network(net))
    size = ready.shape[1:] if ready is not None else None
    if size is None and options.image is not None:
        size = parse_size(options.image, "--image")
    if path is not None:
        network = read_network(path)
        network = network if size is None else network.resized(*size)
        source = network.origin
    else:
        from rfcn.synthetic import synthetic_network

        with errors.status(f"making synthetic weights for {options.net}"):
            network = synthetic_network(options.net, *(size or ()), bits=options.bits)
        source = network.origin
    if ready is not None:
        return network, network.input.quantize(ready).astype(np.int64), source
    form = network.input.format
    rng = np.random.default_rng(options.seed)
    pixels = rng.integers(form.low, form.high, size=network.input.shape, endpoint=True)
    return network, pixels, f"{source}; random pixels"


def _config(options: WholeOptions, network: IntegerNetwork) -> SystemConfig:
    array = preset(options.preset_name)
    levels = max(
        node.layer.levels for node in network.nodes if isinstance(node.layer, QuantizedConv)
    )
    if array.levels < levels:
        array = array.with_levels(levels)
    if any(node.residual is not None for node in network.nodes) and not array.residuals:
        array = dataclasses.replace(array, residuals=True)
    return SystemConfig(array=array, bus_bytes=options.bus_bytes)


def _nodes(layers: str | None, names: list[str]) -> range:
    """The numbers of the layers FIRST:LAST, or of one, or of all."""
    if layers is None:
        return range(len(names))
    first, _, last = layers.partition(":")
    numbers = []
    for name in (first or names[0], (last or names[-1]) if ":" in layers else first):
        if name not in names:
            raise UsageError(
                f"--layers names {name!r}, but the network's layers go from {names[0]} to "
                f"{names[-1]}; `zeroshift shapes` lists them"
            )
        numbers.append(names.index(name))
    if numbers[0] > numbers[1]:
        raise UsageError(f"--layers is {layers!r}, but {first} comes behind {last}")
    return range(numbers[0], numbers[1] + 1)


def _run(
    options: WholeOptions,
    network: IntegerNetwork,
    maps: Mapping[str, np.ndarray],
    config: SystemConfig,
    memory: Memory,
    nodes: range,
) -> list[SystemRun]:
    """Run all parts, here or by workers, in order."""
    parts = _cut(network, config, nodes, options.parts)
    with progress_bar() as bar:
        total = sum(expected_beats(network, config, part) for part in parts)
        task = bar.add_task("simulating", total=total)
        if len(parts) == 1 and options.scheduler is None:
            run = simulate_system(
                network, maps, config, nodes=parts[0], keep_all=not options.reuse,
                engine=options.engine, memory=memory,
                telling=lambda what: bar.update(task, description=what),
                progress=lambda beats: bar.update(task, completed=min(beats, total)),
            )  # fmt: skip
            return [run]
        submit, gather = _workers(options)
        futures = {}
        for number, part in enumerate(parts):
            needed = _needed(network, part, maps)
            future = submit(
                simulate_system, network, needed, config, nodes=part,
                keep_all=not options.reuse, engine=options.engine, memory=memory,
            )  # fmt: skip
            futures[future] = number
        found: dict[int, SystemRun] = {}
        for future in gather(futures):
            number = futures[future]
            found[number] = future.result()
            bar.advance(task, expected_beats(network, config, parts[number]))
        return [found[number] for number in range(len(parts))]


def _workers(options: WholeOptions) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """How parts are handed out: to processes here, or through a scheduler of dask."""
    if options.scheduler is None:
        executor: Executor = ProcessPoolExecutor(options.workers, mp_context=get_context("spawn"))
        return executor.submit, as_completed
    try:
        from distributed import Client
        from distributed import as_completed as completed
    except ImportError as failure:
        raise UsageError(
            "--scheduler needs the package distributed: pip install 'zeroshift[distributed]'"
        ) from failure
    try:
        client = Client(options.scheduler, timeout=20)
    except (OSError, ValueError) as failure:
        raise UsageError(
            f"no scheduler answers at {options.scheduler}: start one with `dask scheduler`"
        ) from failure
    return client.submit, completed


def _cut(network: IntegerNetwork, config: SystemConfig, nodes: range, count: int) -> list[range]:
    """`nodes` in at most `count` parts of about the same number of multiply-accumulates."""
    work = [max(1, network.nodes[n].macs) for n in nodes]
    total, done, part = sum(work), 0, 0
    starts = [nodes.start]
    for n, own in zip(nodes, work, strict=True):
        if n > starts[-1] and done >= total * (part + 1) / count:
            starts.append(n)
            part += 1
        done += own
    return [range(a, b) for a, b in zip(starts, [*starts[1:], nodes.stop], strict=True)]


def _needed(
    network: IntegerNetwork, part: range, maps: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The maps that a part reads and makes."""
    own = network.nodes[part.start : part.stop]
    names = {INPUT, *(node.name for node in own), *(s for node in own for s in node.sources)}
    return {name: maps[name] for name in maps if name in names}


def _report(
    options: WholeOptions, config: SystemConfig, runs: list[SystemRun], source: str
) -> dict:
    layers = [layer for run in runs for layer in run.layers]
    cycles = sum(run.result.counters["cycles"] for run in runs)
    bound = sum(layer.bound for layer in layers)
    net = runs[0].image.net
    return {
        "title": f"{net} on the system of {options.preset_name}, {config.bus_bytes}-byte bus",
        "net": net,
        "weights": source,
        "preset": options.preset_name,
        "engine": str(options.engine),
        "bus_bytes": config.bus_bytes,
        "latency": options.latency,
        "stalls": options.stalls,
        "seed": options.seed,
        "bit_exact": all(run.failure is None for run in runs),
        "parts": len(runs),
        "memory_bytes": max(run.image.size for run in runs),
        "commands": sum(run.image.command_count for run in runs),
        "cycles": cycles,
        "lower_bound_cycles": bound,
        "utilisation": bound / cycles,
        "counters": {
            name: sum(run.result.counters[name] for run in runs) for name in runs[0].result.counters
        },
        "beats_read": sum(run.result.beats_read for run in runs),
        "beats_written": sum(run.result.beats_written for run in runs),
        "sim_seconds": sum(run.result.seconds for run in runs),
        "layers": [dataclasses.asdict(layer) for layer in layers],
    }


def _table(report: dict) -> Table:
    table = Table(
        title=report["title"],
        caption=(
            f"weights: {report['weights']}\n"
            f"{'bit exact' if report['bit_exact'] else 'NOT BIT EXACT'}; "
            f"{report['cycles']:,} cycles, utilisation {report['utilisation']:.1%}; "
            f"{report['memory_bytes'] / 1e6:.1f} MB of memory; "
            f"{report['sim_seconds']:.0f} s of simulation, "
            f"{report['cycles'] / max(report['sim_seconds'], 1e-9):,.0f} cycles/s"
        ),
    )
    for name in ("layer", "tiles", "cycles", "computing", "bound", "utilisation", "loading",
                 "adding", "storing"):  # fmt: skip
        table.add_column(name, justify="left" if name == "layer" else "right")
    for fields in report["layers"]:
        layer = LayerCycles(**fields)
        table.add_row(
            layer.name, f"{layer.tiles:,}", f"{layer.cycles:,}",
            _share(layer.compute, layer.cycles), f"{layer.bound:,}",
            _share(layer.bound, layer.cycles), _share(layer.loading, layer.cycles),
            _share(layer.adding, layer.cycles), _share(layer.storing, layer.cycles),
        )  # fmt: skip
    return table


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole > 0 else "-"
