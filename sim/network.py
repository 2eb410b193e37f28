"""Whole integer networks on the RTL: every convolution on the array, max-pools beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from compiler.compile import compile_layer
from compiler.errors import FitError
from compiler.program import Program
from golden.layer import IntegerConv
from golden.network import INPUT, IntegerNetwork, IntegerNode
from params import ArrayConfig
from sim.build import Build
from sim.simulate import SimulationResult, simulate


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerRun:
    """A convolution that has run on the array.

    Parameters
    ----------
    node : of the network.
    program : what was run.
    result : outputs, cycles, and the first wrong output if there is one.
    """

    node: IntegerNode
    program: Program
    result: SimulationResult


def compile_network(network: IntegerNetwork, config: ArrayConfig) -> dict[str, Program]:
    """The program of every convolution by name.

    Raises
    ------
    FitError : a layer does not fit the array; the message names it.
    """
    programs = {}
    for node in network.nodes:
        if isinstance(node.layer, IntegerConv):
            try:
                programs[node.name] = compile_layer(node.layer, config)
            except FitError as fault:
                raise FitError(f"{node.name}: {fault}") from fault
    return programs


def simulate_network(
    network: IntegerNetwork,
    image: np.ndarray,
    programs: Mapping[str, Program],
    *,
    harness: Build,
    seed: int = 0,
    stalls: float = 0.0,
    done: Callable[[LayerRun], None] = lambda run: None,
) -> tuple[dict[str, np.ndarray], tuple[LayerRun, ...]]:
    """Run a network layer by layer, each on what the array made of the ones before.

    Every layer is compared with the golden model on the same inputs, so the first wrong layer is
    the first at fault.

    Parameters
    ----------
    image : integers of the network's input.
    programs : from `compile_network`, for the array in `harness`.
    seed, stalls : as for `simulate`.
    done : called with each convolution that has run.

    Returns
    -------
    All maps by name, integers (channels, height, width), and the runs in order.

    Raises
    ------
    SimulationError : a simulation did not end as it should; a wrong output is no error.
    """
    maps = {INPUT: network.input.check(np.asarray(image), "the pixels")}
    runs = []
    for node in network.nodes:
        if node.name not in programs:
            maps[node.name] = node.evaluate(maps)
            continue
        result = simulate(
            programs[node.name],
            maps[node.source],
            harness=harness,
            residual=None if node.residual is None else maps[node.residual],
            expected=node.evaluate(maps),
            seed=seed,
            stalls=stalls,
        )
        maps[node.name] = result.outputs
        run = LayerRun(node=node, program=programs[node.name], result=result)
        runs.append(run)
        done(run)
    return maps, tuple(runs)
