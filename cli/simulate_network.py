"""`zeroshift simulate --whole`: networks on the simulated system."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from cli.console import UsageError, console, progress_bar, write_text
from cli.ranges import layer_range
from cli.system_networks import load_network_and_pixels, system_config
from cli.system_pictures import draw_system
from cli.system_report import report_json, report_table, system_report
from golden.network import INPUT, IntegerNetwork
from params.sdram import CHIPS
from params.system import SystemConfig
from sim.engine import Engine
from sim.system_network import SystemMemory, compile_part, expected_beats, simulate_system
from sim.system_record import SystemRecord
from sim.system_run import Memory

DEFAULT_BUS = 16
"""Bytes of the bus to a memory that is no chip."""


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
    folder: Path | None
    bus_bytes: int | None
    sdram: str | None
    clock_mhz: float
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
    network, pixels, source = load_network_and_pixels(
        options.net, options.network, image=options.image, bits=options.bits, seed=options.seed
    )
    memory = _memory(options)
    config = system_config(network, options.preset_name, _bus_bytes(options, memory))
    names = [node.name for node in network.nodes]
    nodes = range(len(names))
    if options.layers is not None:
        nodes = layer_range(options.layers, names, "--layers")
    with progress_bar() as bar:
        task = bar.add_task("computing the golden maps", total=len(names))
        maps = network.run(pixels, [INPUT, *names], telling=lambda node: bar.advance(task))
    runs = _run(options, network, maps, config, memory, nodes)
    report = system_report(
        runs, weights=source, quantization=network.quantization, preset=options.preset_name,
        engine=options.engine, bus_bytes=config.bus_bytes, memory=memory, seed=options.seed,
    )  # fmt: skip
    if options.json_path is not None:
        write_text(options.json_path, report_json(report))
    console.print(report_table(report))
    if options.plots is not None:
        for path in draw_system(options.plots, runs, title=report["title"]):
            console.print(f"drawn: {path}")
    failure = next((run.failure for run in runs if run.failure), None)
    if failure:
        raise UsageError(failure)


def _memory(options: WholeOptions) -> SystemMemory:
    if options.sdram is None:
        answers = Memory(latency=options.latency, stalls=options.stalls, seed=options.seed)
        return SystemMemory(answers=answers)
    if options.stalls:
        raise UsageError("--stalls goes with a memory without --sdram, which pauses by itself")
    if options.sdram not in CHIPS:
        raise UsageError(f"--sdram is {options.sdram!r}, but must be one of {', '.join(CHIPS)}")
    return SystemMemory(sdram=CHIPS[options.sdram](options.clock_mhz))


def _bus_bytes(options: WholeOptions, memory: SystemMemory) -> int:
    own = DEFAULT_BUS if memory.sdram is None else memory.sdram.data_bytes
    bus = own if options.bus_bytes is None else options.bus_bytes
    if memory.sdram is not None and bus != own:
        raise UsageError(f"--bus is {bus}, but must be {own} bytes, the width of {options.sdram}")
    return bus


def _run(
    options: WholeOptions,
    network: IntegerNetwork,
    maps: Mapping[str, np.ndarray],
    config: SystemConfig,
    memory: SystemMemory,
    nodes: range,
) -> list[SystemRecord]:
    """Run all parts, here or by workers, in order."""
    parts = _cut(network, config, nodes, options.parts)
    with progress_bar() as bar:
        total = sum(expected_beats(network, config, part) for part in parts)
        task = bar.add_task("simulating", total=total)
        if len(parts) == 1 and options.scheduler is None:
            run = simulate_system(
                network, maps, config, nodes=parts[0], keep_all=not options.reuse,
                engine=options.engine, memory=memory, kept=options.folder,
                telling=lambda what: bar.update(task, description=what),
                progress=lambda beats: bar.update(task, completed=min(beats, total)),
            )  # fmt: skip
            return [run]
        sizes = []
        for number, part in enumerate(parts):
            bar.update(task, description=f"compiling part {number + 1} of {len(parts)}")
            image = compile_part(network, config, nodes=part, keep_all=not options.reuse)
            sizes.append(image.size)
        bar.update(task, description=f"simulating {len(parts)} parts")
        submit, gather = _workers(options)
        futures = {}
        for number, part in enumerate(parts):
            needed = _needed(network, part, maps)
            future = submit(
                simulate_system, network, needed, config, nodes=part,
                keep_all=not options.reuse, engine=options.engine, memory=memory,
                least_size=max(sizes), kept=options.folder,
            )  # fmt: skip
            futures[future] = number
        found: dict[int, SystemRecord] = {}
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
