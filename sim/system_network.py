"""Whole networks, or parts of them, on the simulated system."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from compiler.system.image import SystemImage
from compiler.system.lower import lower_network
from compiler.system.spans import LayerCycles, Timeline, layer_cycles, timeline
from golden.network import IntegerNetwork
from params.commands import Fault
from params.system import SystemConfig
from sim.engine import Engine
from sim.system_events import spans
from sim.system_run import (
    IDEAL,
    Memory,
    SystemResult,
    WrongMap,
    build_system,
    compare_maps,
    run_commands,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SystemRun:
    """A network, or a part of it, that has run on the system.

    Parameters
    ----------
    image : what was run.
    result : of the simulation.
    wrong : the first map that differs from the golden model's.
    layers : cycles of each node that was done.
    timeline : for each unit its commands and the names of their nodes, in order.
    """

    image: SystemImage
    result: SystemResult
    wrong: WrongMap | None
    layers: tuple[LayerCycles, ...]
    timeline: Timeline

    @property
    def failure(self) -> str | None:
        """What went wrong, in a sentence; None when all maps are right."""
        result, image = self.result, self.image
        if result.fault != Fault.NONE:
            layer = image.layer_of(result.place)
            where = f"near command {result.place}" + (f" of {layer}" if layer else "")
            if result.fault in (Fault.WINDOW, Fault.BUS):
                where = f"at byte {result.place:#x}"
            return f"the system stopped with fault {result.fault.name} {where}"
        if result.violations:
            return f"the system broke the rules of AXI4 {result.violations} times"
        if self.wrong is not None:
            own = next((layer for layer in image.layers if layer.name == self.wrong.name), None)
            commands = (
                f", commands {own.first} to {own.first + own.count - 1}" if own is not None else ""
            )
            return (
                f"the system differs from the golden model in {self.wrong.name}{commands}: "
                f"{self.wrong.mismatch}"
            )
        return None


def simulate_system(
    network: IntegerNetwork,
    maps: Mapping[str, np.ndarray],
    config: SystemConfig,
    *,
    nodes: range | None = None,
    keep_all: bool = True,
    engine: Engine = Engine.VERILATOR,
    memory: Memory = IDEAL,
    telling: Callable[[str], None] = lambda what: None,
    progress: Callable[[int], None] = lambda beats: None,
) -> SystemRun:
    """Run nodes of a network on the system and compare every map that is left in memory.

    Parameters
    ----------
    maps : golden maps by name, integers (channels, height, width): the inputs and all to compare.
    nodes : numbers of the nodes to run; all when None.
    keep_all : give every map memory of its own, so that all are left.
    telling : called with what is done next.
    progress : called now and then with the beats written so far.

    Raises
    ------
    FitError, SimulationError : the network does not fit, or the simulation broke off; a wrong map
        or a fault is no error.
    """
    telling("compiling")
    part = network.nodes if nodes is None else network.nodes[nodes.start : nodes.stop]
    keep = [node.name for node in part] if keep_all else []
    image = lower_network(network, config, keep=keep, nodes=nodes)
    telling(f"building the {engine} simulation of {config.array.name} (kept for next time)")
    harness = build_system(config, size=image.size, engine=engine)
    telling("simulating")
    result = run_commands(
        image.memory(maps),
        commands=image.commands,
        harness=harness,
        memory=memory,
        progress=lambda status: progress(status.get("beats_written", 0)),
    )
    wrong = None
    if result.fault == Fault.NONE:
        wrong = compare_maps(image, result.memory, maps)
    found = timeline(image, spans(result.events))
    return SystemRun(
        image=image,
        result=result,
        wrong=wrong,
        layers=layer_cycles(network.nodes, image, found),
        timeline=found,
    )


def expected_beats(network: IntegerNetwork, config: SystemConfig, nodes: range | None) -> int:
    """About how many beats a run writes: for a progress bar."""
    part = network.nodes if nodes is None else network.nodes[nodes.start : nodes.stop]
    beats = 0
    for node in part:
        channels, height, width = network.maps[node.name].shape
        beats += channels * height * -(-width // config.bus_bytes)
    return beats
