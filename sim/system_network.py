"""Whole networks, or parts of them, on the simulated system."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler.system.image import SystemImage
from compiler.system.lower import lower_network
from compiler.system.spans import timeline
from golden.network import IntegerNetwork
from params.commands import Fault
from params.sdram import SdramConfig
from params.system import SystemConfig
from sim.build import Build
from sim.engine import Engine
from sim.errors import SimulationError
from sim.kept_runs import KeptRuns
from sim.layer_cycles import measured_cycles
from sim.system_events import spans
from sim.system_record import SystemRecord
from sim.system_run import (
    IDEAL,
    Memory,
    SystemResult,
    WrongMap,
    build_system,
    compare_maps,
    run_commands,
)


@dataclass(frozen=True, kw_only=True)
class SystemMemory:
    """The memory beside a simulated system: an SDRAM chip, or one that answers as told.

    Parameters
    ----------
    answers : how a memory without a chip behaves.
    sdram : the chip, as wide as the system's bus.
    """

    answers: Memory = IDEAL
    sdram: SdramConfig | None = None


def simulate_system(
    network: IntegerNetwork,
    maps: Mapping[str, np.ndarray],
    config: SystemConfig,
    *,
    nodes: range | None = None,
    keep_all: bool = True,
    engine: Engine = Engine.VERILATOR,
    memory: SystemMemory = SystemMemory(),
    least_size: int = 0,
    kept: Path | None = None,
    telling: Callable[[str], None] = lambda what: None,
    progress: Callable[[int], None] = lambda beats: None,
) -> SystemRecord:
    """Run nodes of a network on the system and compare every map that is left in memory.

    Parameters
    ----------
    maps : golden maps by name, integers (channels, height, width): the inputs and all to compare.
    nodes : numbers of the nodes to run; all when None.
    keep_all : give every map memory of its own, so that all are left.
    least_size : bytes of the memory at least; networks in memories of one size share a simulator.
    kept : folder of runs that were right: the same run is taken from there instead of run again.
    telling : called with what is done next.
    progress : called now and then with the beats written so far.

    Raises
    ------
    FitError, SimulationError : the network does not fit, or the simulation broke off; a wrong map
        or a fault is no error.
    """
    telling("compiling")
    image = compile_part(network, config, nodes=nodes, keep_all=keep_all)
    if memory.sdram is not None and image.size > memory.sdram.size:
        raise SimulationError(
            f"{network.net} from {image.layers[0].name} to {image.layers[-1].name} takes "
            f"{image.size / 1e6:.1f} MB of memory, but the SDRAM has only "
            f"{memory.sdram.size / 1e6:.1f} MB: let maps share memory, or cut it into more parts"
        )
    telling(f"building the {engine} simulation of {config.array.name} (kept for next time)")
    size = max(image.size, least_size)
    harness = build_system(config, size=size, engine=engine, sdram=memory.sdram)
    contents = image.memory(maps)
    expected = {
        name: maps[name] for name, found in image.maps.items() if found.kept and name in maps
    }
    runs = None if kept is None else KeptRuns(kept)
    key = _key(harness, contents, expected, image, memory)
    before = None if runs is None else runs.find(key)
    if before is not None:
        return before
    telling("simulating")
    result = run_commands(
        contents,
        commands=image.commands,
        harness=harness,
        memory=memory.answers,
        progress=lambda status: progress(status.get("beats_written", 0)),
    )
    wrong = None
    if result.fault == Fault.NONE:
        wrong = compare_maps(image, result.memory, expected)
    when = timeline(image, spans(result.log.events))
    record = SystemRecord(
        net=image.net,
        size=image.size,
        commands=image.command_count,
        failure=_failure(image, result, wrong),
        counters=dict(result.counters),
        beats_read=result.beats_read,
        beats_written=result.beats_written,
        seconds=result.seconds,
        digests={
            name: hashlib.sha256(image.read_map(result.memory, name).tobytes()).hexdigest()
            for name in expected
            if name not in image.inputs
        },
        layers=measured_cycles(network, image, when, result.log.totals),
        timeline=when,
    )
    if runs is not None and record.failure is None:
        runs.keep(key, record)
    return record


def compile_part(
    network: IntegerNetwork, config: SystemConfig, *, nodes: range | None, keep_all: bool
) -> SystemImage:
    """Nodes of a network as `simulate_system` runs them; its parameters."""
    part = network.nodes if nodes is None else network.nodes[nodes.start : nodes.stop]
    keep = [node.name for node in part] if keep_all else []
    return lower_network(network, config, keep=keep, nodes=nodes)


def expected_beats(network: IntegerNetwork, config: SystemConfig, nodes: range | None) -> int:
    """About how many beats a run writes: for a progress bar."""
    part = network.nodes if nodes is None else network.nodes[nodes.start : nodes.stop]
    beats = 0
    for node in part:
        channels, height, width = network.maps[node.name].shape
        beats += channels * height * -(-width // config.bus_bytes)
    return beats


def _key(
    harness: Build,
    contents: bytearray,
    expected: Mapping[str, np.ndarray],
    image: SystemImage,
    memory: SystemMemory,
) -> str:
    """A digest of all that a run depends on, the hardware and the simulator too."""
    digest = hashlib.sha256(contents)
    for name, values in expected.items():
        digest.update(name.encode())
        digest.update(np.asarray(values, dtype=np.int64).tobytes())
    layers = [layer.name for layer in image.layers]
    digest.update(f"{harness.folder.name} {image.net} {layers} {memory!r}".encode())
    return digest.hexdigest()


def _failure(image: SystemImage, result: SystemResult, wrong: WrongMap | None) -> str | None:
    """What went wrong, in a sentence; None when all maps are right."""
    if result.fault != Fault.NONE:
        return f"the system stopped with fault {image.describe(result.fault, result.place)}"
    if result.violations:
        return f"the system broke the rules of AXI4 {result.violations} times"
    if wrong is None:
        return None
    own = next((layer for layer in image.layers if layer.name == wrong.name), None)
    commands = f", commands {own.first} to {own.first + own.count - 1}" if own is not None else ""
    return f"the system differs from the golden model in {wrong.name}{commands}: {wrong.mismatch}"
