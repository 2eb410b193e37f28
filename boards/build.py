"""From a board to its bitstream."""

import json
from collections.abc import Callable
from math import floor
from pathlib import Path

from boards.board import Board
from boards.build_report import BuildReport, ClockReport, StepFigures
from boards.ecp5 import critical_path
from boards.floorplan import usual_floorplan
from boards.flows import CLOCK, FLOWS, NAME
from boards.routing import RoutingWatch
from boards.steps import StepReport, Steps
from boards.tools import run_tool, tool_version
from boards.top import BoardTop
from golden.errors import UserError
from golden.files import replacing
from hw.verilog import installed_yosys, without_contents


class BuildError(UserError):
    """A board that is not built; the message says why."""


class TimingError(BuildError):
    """A design that is too slow; the message names the clock and its slowest path.

    Parameters
    ----------
    report : of the build, without a bitstream.
    """

    def __init__(self, message: str, report: BuildReport):
        super().__init__(message)
        self.report = report


def build_board(
    board: Board,
    folder: Path,
    *,
    clock_mhz: float | None = None,
    seed: int = 1,
    floorplan: dict[str, str] | None = None,
    telling: Callable[[str], None] = lambda what: None,
    done: Callable[[StepReport], None] = lambda step: None,
) -> tuple[BuildReport, Path]:
    """Synthesize, place and route a board's system, and make its bitstream.

    Steps whose result is in `folder`, made from the same, are kept.

    Parameters
    ----------
    folder : takes the tools' files, and the report as board-NAME.json.
    clock_mhz : of the system; the board's if not given.
    seed : of the placement.
    floorplan : places of block RAMs and multipliers; the board's usual if not given.
    telling : called with what is done next. done : called with each step that is done.

    Returns
    -------
    The report, and where the bitstream is.

    Raises
    ------
    TimingError : a clock is not met; there is a report, but no bitstream.
    BuildError : the board is not one of those that are built here.
    FloorplanError : the board's floorplan is damaged.
    ClockError, ConfigError : the clock cannot be made, or memory or link do not go with it.
    ToolError : a tool is missing or failed, or the router gets no further.
    VerilogError : Yosys does not run, or failed.
    """
    if board.flow not in FLOWS:
        raise BuildError(
            f"{board.name} is built with Vivado: write a plan for it (--plan out.zip), and run "
            "what it holds where Vivado is"
        )
    clock_mhz = float(board.clock_mhz if clock_mhz is None else clock_mhz)
    board.check_clock(clock_mhz)
    platform = board.platform()
    flow = FLOWS[board.flow](platform)
    tools = {tool: tool_version(tool) for tool in ("amaranth", "amaranth-boards", *flow.tools)}
    yosys, nextpnr = (f"{tool} {tools[tool]}" for tool in flow.tools)

    def step_done() -> None:
        done(steps.reports[-1])

    steps = Steps(folder, telling)
    telling("elaborate")
    top = BoardTop(board, clock_mhz=clock_mhz)
    with installed_yosys():
        plan = platform.prepare(top, NAME, emit_src=False, debug_verilog=True)
    # Verilog, and not RTLIL: from there Yosys minds a memory's attribute `no_rw_check`, by which
    # rows share copies of the activation memory.
    design, constraints = (_text(plan, name) for name in (f"{NAME}.debug.v", flow.constraints))
    design = without_contents(design)
    constraints = flow.constrained(constraints, clock_mhz)
    (folder / f"{NAME}.v").write_text(design)
    (folder / flow.constraints).write_text(constraints)

    steps.do(
        "synthesize",
        lambda: flow.synthesize(folder),
        result=f"{NAME}.json",
        sources=(design, yosys, *flow.synthesis),
    )
    step_done()
    mapped = (folder / f"{NAME}.json").read_text()
    packed = f"{NAME}.packed.json"
    places = usual_floorplan(board.name) if floorplan is None else floorplan

    def pack() -> None:
        netlist = json.loads(mapped)
        flow.pack(netlist["modules"][NAME], places)
        (folder / packed).write_text(json.dumps(netlist))

    steps.do("pack", pack, result=packed, sources=(mapped, json.dumps(places), *flow.packing()))
    step_done()
    program, arguments = flow.place(seed, clock_mhz)
    log = f"{NAME}.place.log"
    arguments += [
        "--json", packed, "--seed", str(seed), "--report", f"{NAME}.report.json",
        "--timing-allow-fail", "--quiet", "--log", log,
    ]  # fmt: skip
    steps.do(
        "place and route",
        lambda: run_tool(program, arguments, folder, watch=RoutingWatch(folder / log)),
        result=flow.routed,
        sources=((folder / packed).read_text(), constraints, nextpnr, *arguments),
    )
    step_done()

    found = json.loads((folder / f"{NAME}.report.json").read_text())
    clocks = tuple(
        ClockReport(
            name=name,
            wanted_mhz=round(clock_mhz if name == CLOCK else clock["constraint"], 2),
            # No clock is met by rounding.
            achieved_mhz=floor(100 * clock["achieved"]) / 100,
        )
        for name, clock in sorted(found["fmax"].items())
    )

    def report(size: int) -> BuildReport:
        array = board.array
        return BuildReport(
            board=board.name,
            device=flow.device,
            preset="none" if array is None else array.name,
            processing_elements=0 if array is None else array.processing_elements,
            memory_bytes=board.memory_bytes,
            clock_mhz=clock_mhz,
            baud=board.baud,
            clocks=clocks,
            critical_path=critical_path(found["critical_paths"]),
            cells={
                cell: (count["used"], count["available"])
                for cell, count in sorted(found["utilization"].items())
                if count["used"]
            },
            bitstream_bytes=size,
            seed=seed,
            steps=tuple(
                StepFigures(
                    name=step.name,
                    seconds=round(step.usage.seconds, 1),
                    peak_bytes=step.usage.peak_bytes,
                )
                for step in steps.reports
            ),
            tools=tools,
        )

    bitstream = folder / flow.bitstream
    slow = [clock for clock in clocks if not clock.met]
    if slow:
        bitstream.unlink(missing_ok=True)
        missed = report(0)
        missed.write(folder)
        worst = max(slow, key=lambda clock: clock.wanted_mhz / clock.achieved_mhz)
        raise TimingError(
            f"{board.name} wants {worst.wanted_mhz:g} MHz of {worst.name}, but reaches "
            f"{worst.achieved_mhz:g} MHz, because of {missed.critical_path}; give it another "
            "--seed or a lower --clock",
            missed,
        )
    steps.do(
        "write bitstream",
        lambda: flow.write_bitstream(folder),
        result=flow.bitstream,
        sources=((folder / flow.routed).read_text(), nextpnr),
    )
    step_done()
    finished = report(bitstream.stat().st_size)
    finished.write(folder)
    return finished, bitstream


def write_plan(board: Board, path: Path, *, clock_mhz: float | None = None) -> list[str]:
    """Write what Vivado needs to build a board, as a ZIP archive; its files are returned.

    Raises
    ------
    BuildError : the board is not built with Vivado.
    ClockError, ConfigError : as above.
    ToolError : the board definitions are not installed.
    VerilogError : Yosys does not run, or failed.
    """
    if board.flow != "vivado":
        raise BuildError(f"{board.name} is not built with Vivado, but here: leave out --plan")
    clock_mhz = board.clock_mhz if clock_mhz is None else clock_mhz
    board.check_clock(clock_mhz)
    platform = board.platform()
    top = BoardTop(board, clock_mhz=clock_mhz)
    with installed_yosys():
        plan = platform.build(top, NAME, do_build=False, emit_src=False)
    with replacing(path) as temporary:
        plan.archive(str(temporary))
    return sorted(plan.files)


def _text(plan, name: str) -> str:
    text = plan.files[name]
    return text.decode() if isinstance(text, bytes) else text
