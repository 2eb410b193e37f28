"""A simulation tells what is wrong, and ends, whatever goes wrong."""

import numpy as np
import pytest

import sim.simulate
from compiler import compile_layer
from golden.shape import ConvShape
from params import preset
from sim.build import build_root
from sim.engine import Engine
from sim.errors import MissingToolError, SimulationError
from sim.files import write_streams
from sim.simulate import build_harness, simulate
from tests.sim.layers import ENGINES, QUICK, random_case

TINY = preset("tiny")

SHAPE = ConvShape(cin=3, cout=5, kernel=3, padding=1, height=6, width=7)


@pytest.fixture(scope="module")
def case():
    """A layer with two tiles."""
    return random_case(SHAPE, seed=2, levels=4)


@pytest.fixture(scope="module")
def program(case):
    """The compiled layer."""
    return compile_layer(case.layer, TINY)


def run(case, program, *, engine=Engine.VERILATOR, **options):
    return simulate(program, case.image, harness=build_harness(TINY, engine=engine), **options)


def test_outputs_are_compared_with_the_golden_model(case, program):
    result = run(case, program)
    assert result.bit_exact
    assert result.mismatch is None
    np.testing.assert_array_equal(result.outputs, case.expected)
    assert result.cycles > program.ideal_cycles
    assert result.load_cycles > program.load_words
    assert result.seconds > 0
    assert result.cycles_per_second == pytest.approx(
        (result.cycles + result.load_cycles) / result.seconds
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mismatch_is_told_by_its_place(case, program, engine):
    expected = case.expected.copy()
    expected[4, 5, 6] += 1
    expected[2, 3, 1] -= 5
    result = run(case, program, engine=engine, expected=expected)
    assert not result.bit_exact
    mismatch = result.mismatch
    assert (mismatch.channel, mismatch.y, mismatch.x) == (2, 3, 1)
    assert (mismatch.got, mismatch.expected) == (case.expected[2, 3, 1], expected[2, 3, 1])
    assert mismatch.count == 2


def test_progress_ends_at_one(case, program):
    shares = []
    run(case, program, progress=shares.append)
    assert shares[-1] == 1
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize("stalls", [-0.1, 1.0, 3])
def test_stalls_are_a_probability_below_one(case, program, stalls):
    with pytest.raises(SimulationError, match="must be a probability below 1"):
        run(case, program, stalls=stalls)


STREAMS = ("runs", "tiles", "load", "headers_0", "masks_1", "codes_1_0")


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_that_ends_too_soon_ends_the_simulation(case, program, stream, monkeypatch):
    def cut(folder, program, *data):
        write_streams(folder, program, *data)
        (folder / f"{stream}.bin").write_bytes(b"")

    monkeypatch.setattr(sim.simulate, "write_streams", cut)
    with pytest.raises(SimulationError, match=r"hangs in tile 0|loads of tile 0 do not end"):
        run(case, program)


@pytest.mark.parametrize("stream", ["masks_0", "codes_0_0", "headers_1"])
def test_a_stream_with_a_word_too_few_is_noticed(case, program, stream, monkeypatch):
    def cut(folder, program, *data):
        write_streams(folder, program, *data)
        path = folder / f"{stream}.bin"
        size = getattr(program.rows[int(stream.split("_")[1])], stream.split("_")[0])
        width = (size[0] if isinstance(size, tuple) else size).shape[1]
        path.write_bytes(path.read_bytes()[:-width])

    monkeypatch.setattr(sim.simulate, "write_streams", cut)
    try:
        result = run(case, program)
    except SimulationError:
        return
    assert not result.bit_exact


def test_a_row_without_an_end_ends_the_simulation(case, program, monkeypatch):
    """The last header of the row is lost, so the file starts over and over."""

    def endless(folder, program, *data):
        write_streams(folder, program, *data)
        header = program.rows[0].headers
        path = folder / "headers_0.bin"
        path.write_bytes(path.read_bytes()[: -header.shape[1]])
        monkeypatch.undo()

    monkeypatch.setattr(sim.simulate, "write_streams", endless)
    with pytest.raises(SimulationError, match="finds no end"):
        run(case, program)


def test_a_failed_run_is_kept_and_a_good_one_is_not(case, program, monkeypatch, tmp_path):
    harness = build_harness(TINY, engine=QUICK)
    monkeypatch.setenv("ZEROSHIFT_BUILD", str(tmp_path))
    simulate(program, case.image, harness=harness)
    assert list((build_root() / "runs").iterdir()) == []

    def broken(folder, program, *data):
        write_streams(folder, program, *data)
        (folder / "settings.json").mkdir()

    monkeypatch.setattr(sim.simulate, "write_streams", broken)
    with pytest.raises(OSError, match="settings"):
        simulate(program, case.image, harness=harness)


def test_a_simulator_that_has_gone_is_named(case, program, monkeypatch, tmp_path):
    harness = build_harness(TINY, engine=QUICK)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="not installed"):
        simulate(program, case.image, harness=harness)
