"""Builds are kept, and made anew when anything they are made from changes."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sim.build import build, build_root, remove_builds
from sim.errors import SimulationError
from tests.sim.layers import QUICK


class Register(wiring.Component):
    """A register of one bit."""

    def __init__(self):
        super().__init__({"d": In(1), "q": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.q.eq(self.d)
        return m


class Calls:
    """Counts how often a component is made."""

    def __init__(self):
        self.count = 0

    def register(self) -> Register:
        self.count += 1
        return Register()


@pytest.fixture
def calls(monkeypatch, tmp_path) -> Calls:
    """Calls of a cache of its own."""
    monkeypatch.setenv("ZEROSHIFT_BUILD", str(tmp_path / "build"))
    return Calls()


def make(calls: Calls, **changes):
    arguments = {"key": "a", "engine": QUICK, "toplevel": "register"} | changes
    return build(calls.register, **arguments)


def test_a_second_build_is_the_first(calls):
    first = make(calls)
    stamp = (first.folder / "complete").stat().st_mtime_ns
    assert first.folder.parent == build_root()
    assert make(calls) == first
    assert (first.folder / "complete").stat().st_mtime_ns == stamp
    assert calls.count == 1


def test_another_component_is_another_build(calls, tmp_path):
    part = tmp_path / "part.v"
    part.write_text("module part(); endmodule\n")
    python = tmp_path / "maker.py"
    python.write_text("")
    changes = [
        {},
        {"key": "b"},
        {"toplevel": "other"},
        {"sources": (part,)},
        {"made_from": (python,)},
        {"waves": QUICK != "verilator"},
    ]
    folders = {make(calls, **change).folder for change in changes}
    assert len(folders) == calls.count == len(changes)


def test_a_changed_file_is_another_build(calls, tmp_path):
    python = tmp_path / "maker.py"
    python.write_text("width = 1\n")
    first = make(calls, made_from=(python,))
    python.write_text("width = 2\n")
    assert make(calls, made_from=(python,)).folder != first.folder
    python.write_text("width = 1\n")
    assert make(calls, made_from=(python,)) == first
    assert calls.count == 2


def test_a_build_that_fails_says_so_and_is_not_kept(calls, tmp_path):
    wrong = tmp_path / "wrong.v"
    wrong.write_text("module wrong(; endmodule\n")
    for _ in range(2):
        with pytest.raises(SimulationError, match="could not build register") as caught:
            make(calls, sources=(wrong,))
    assert "build.log" in str(caught.value)
    assert calls.count == 2


def test_an_edit_needs_its_text(calls):
    edited = make(calls, edit={"input clk": "input /* edited */ clk"})
    assert "edited" in (edited.folder / "register.v").read_text()
    assert "edited" not in (make(calls).folder / "register.v").read_text()
    with pytest.raises(SimulationError, match="no text 'flux capacitor'"):
        make(calls, edit={"flux capacitor": ""})


def test_builds_can_be_removed(calls):
    first = make(calls)
    remove_builds()
    assert not first.folder.exists()
    remove_builds()
    make(calls)
    assert calls.count == 2
