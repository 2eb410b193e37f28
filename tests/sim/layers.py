"""Arrays, layers and checked runs for the tests of this folder."""

import dataclasses
import shutil
from dataclasses import dataclass

import numpy as np
import pytest

from compiler import Program, compile_layer
from compiler.cycles import count_cycles
from golden.activations import ActivationFormat
from golden.layer import IntegerConv, QuantizedConv
from golden.requantize import Requantization, fit_requantization
from golden.shape import ConvShape
from params import ArrayConfig
from sim.engine import Engine
from sim.simulate import SimulationResult, build_harness, simulate
from tests.compiler.layers import naive_accumulators, naive_forward, random_terms

NO_ICARUS = shutil.which("iverilog") is None or shutil.which("vvp") is None

needs_icarus = pytest.mark.skipif(NO_ICARUS, reason="iverilog is not installed")

ENGINES = (Engine.VERILATOR, pytest.param(Engine.ICARUS, marks=needs_icarus))

QUICK = Engine.VERILATOR if NO_ICARUS else Engine.ICARUS
"""The engine for arrays that run a few short layers: Icarus builds in seconds."""

NARROW = ArrayConfig(
    name="narrow", lanes=8, rows=2, levels=20, depth=3072, lane_groups=2, drain_width=2
)
"""Takes every layer of R-FCN with all its channels, and two terms of 6 bits each."""

PAIRED = ArrayConfig(
    name="paired", lanes=8, rows=2, filters_per_row=2, levels=16, depth=3072, lane_groups=2,
    drain_width=2,
)  # fmt: skip
"""Takes every layer of R-FCN with all its channels, two filters per row."""

FLAT = ArrayConfig(
    name="flat", lanes=4, rows=2, filters_per_row=2, levels=16, depth=9216, drain_width=1
)
"""Takes every layer of R-FCN with all its channels on few lanes: for Icarus."""

FORMATS = (
    ActivationFormat(bits=8, signed=False),
    ActivationFormat(bits=8, signed=True),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A layer, an input for it, and its outputs by naive loops."""

    layer: IntegerConv
    image: np.ndarray
    expected: np.ndarray
    residual: np.ndarray | None = None


def make_case(
    shape: ConvShape,
    terms: np.ndarray,
    *,
    rng: np.random.Generator,
    inputs: ActivationFormat = FORMATS[0],
    outputs: ActivationFormat = FORMATS[1],
    image: np.ndarray | None = None,
    requantization: Requantization | None = None,
    added: ActivationFormat | None = None,
) -> Case:
    """A case with an image over the whole range of its inputs and outputs that fill theirs.

    With `added` a random residual of that format is added.
    """
    if image is None:
        size = (shape.cin, shape.height, shape.width)
        image = rng.integers(inputs.low, inputs.high, size, endpoint=True)

    def layer(rule: Requantization) -> IntegerConv:
        fields = {
            "shape": shape, "terms": terms, "requantization": rule, "input_format": inputs,
            "residual_format": None if rule.residual_multiplier is None else added,
        }  # fmt: skip
        magnitude = np.abs(terms)
        if (magnitude & (magnitude - 1)).any():
            return IntegerConv(**fields)
        return QuantizedConv(levels=int(magnitude.max(initial=1)).bit_length(), **fields)

    if requantization is None:
        channels = np.zeros(shape.cout, dtype=np.int64)
        raw = Requantization(multiplier=channels, bias=channels, shift=channels, low=0, high=0)
        sums = naive_accumulators(layer(raw), image)
        requantization = fit_requantization(sums, outputs, not outputs.signed, rng)
    residual = None
    if added is not None:
        multiplier = rng.integers(0, 1 << 16, shape.cout)
        requantization = dataclasses.replace(requantization, residual_multiplier=multiplier)
        residual = rng.integers(added.low, added.high, shape.output_shape, endpoint=True)
    result = layer(requantization)
    return Case(
        layer=result,
        image=image,
        expected=naive_forward(result, image, residual),
        residual=residual,
    )


def random_case(shape: ConvShape, *, seed: int, levels: int, terms: int = 1, density: float = 0.5):
    """A case with random weights, its inputs unsigned for even seeds and its outputs for odd."""
    rng = np.random.default_rng(seed)
    return make_case(
        shape,
        random_terms(rng, shape, levels=levels, terms=terms, density=density),
        rng=rng,
        inputs=FORMATS[seed % 2],
        outputs=FORMATS[(seed + 1) % 2],
    )


def run_case(
    case: Case,
    config: ArrayConfig,
    *,
    engine: Engine = QUICK,
    seed: int = 0,
    stalls: float = 0.0,
    program: Program | None = None,
) -> SimulationResult:
    """Simulate a case, or `program` in place of its compiled layer; every output must be right.

    Without stalls the cycles must be those of the model, too.
    """
    if program is None:
        program = compile_layer(case.layer, config)
    result = simulate(
        program,
        case.image,
        harness=build_harness(config, engine=engine),
        residual=case.residual,
        expected=case.expected,
        seed=seed,
        stalls=stalls,
    )
    assert result.bit_exact, f"{result.mismatch} ({config}, seed {seed}, stalls {stalls})"
    np.testing.assert_array_equal(result.outputs, case.expected)
    if not stalls:
        check_cycles(program, result)
    return result


def check_cycles(program: Program, result: SimulationResult) -> None:
    """The simulation took the model's cycles exactly."""
    count = count_cycles(program)
    assert (result.cycles, result.load_cycles) == (count.cycles, count.load_cycles)
