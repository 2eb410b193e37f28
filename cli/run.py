"""`zeroshift run`: what a network on a board finds on images."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from boards.board import Board
from boards.catalogue import BOARDS, find_board
from cli.board_detector import BoardDetector, fitting_system
from cli.boxes import check_picture, draw_panels
from cli.console import JsonOption, UsageError, console, errors, progress_bar, write_json
from cli.detection_report import detection_table, find_all
from golden.network_files import read_network
from host.link import TIMEOUT, Link
from host.serial_port import need_pyserial
from params.registers import COUNTERS
from params.system import SystemConfig
from rfcn.data.images import load_image
from rfcn.pretrained import INTEGER
from sim.board_server import BoardServer

SIMULATED_BAUD = 2_000
"""What a simulated board may be as slow as; nothing is given up before."""

SIMULATED_TIMEOUT = 60.0
"""Seconds, at least, in which a simulated board answers."""

OWN = "rfcn-tiny"
"""The network that comes with this package."""

EPILOG = """Examples:

zeroshift run --port /dev/ttyUSB0 --net build/net.npz --image photo.jpg -o out.png

zeroshift run --port COM3 --net build/net.npz --image a.png --image b.png --check -o out.png

zeroshift run --simulate --image photo.jpg -o out.png --json run.json
"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("run", epilog=EPILOG)(run_command)


def run_command(
    images: Annotated[
        list[Path], typer.Option("--image", help="Image file; may be given several times.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Picture with the boxes, .png or .jpg.")
    ],
    network: Annotated[
        Path,
        typer.Option("--net", help=f"Network of `zeroshift export`, .npz, or {OWN}, trained."),
    ] = Path(OWN),
    board_name: Annotated[
        str, typer.Option("--board", help=f"One of {', '.join(BOARDS)}.")
    ] = "ulx3s",
    port: Annotated[
        str | None, typer.Option(help="Serial port of the board, or a URL of pyserial's.")
    ] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Simulate the board's RTL instead of using a port.")
    ] = False,
    baud: Annotated[
        int | None, typer.Option(help="Bits per second; the board's usual if not given.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Show what is more probable than this.")] = 0.5,
    width: Annotated[int, typer.Option(help="Pixels of a drawn image across.")] = 512,
    check: Annotated[
        bool, typer.Option("--check", help="Compare the outputs with the golden model's.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read the weights back when they are loaded.")
    ] = False,
    reload: Annotated[
        bool, typer.Option("--reload", help="Load the weights even if they are there.")
    ] = False,
    json_path: JsonOption = None,
) -> None:
    """Find objects on images with a network that runs on a board.

    Weights and commands are loaded once, and stay until the board is reset or another network or
    size of image is loaded; then image after image goes through the board.
    """
    check_picture(output)
    board = find_board(board_name)
    if simulate == (port is not None):
        raise UsageError("give either --port, where the board is, or --simulate")
    if not 0 <= threshold < 1:
        raise UsageError(f"--threshold is {threshold}, but must be at least 0 and below 1")
    if not 64 <= width <= 4096:
        raise UsageError(f"--width is {width}, but must be 64 to 4096")
    if baud is not None and baud < 1:
        raise UsageError(f"--baud is {baud}, but must be at least 1")
    path = INTEGER[4] if network == Path(OWN) else network
    pixels = [load_image(image) for image in images]
    exported = read_network(path)
    system = fitting_system(exported, board)
    need_pyserial()
    with ExitStack() as stack:
        server = None
        if simulate:
            with errors.status(f"building the simulation of the {board.name}"):
                server = stack.enter_context(_simulate(board, system))
            link = Link.open(server.url, baud=SIMULATED_BAUD, timeout=SIMULATED_TIMEOUT)
        else:
            assert port is not None
            link = Link.open(port, baud=baud or board.baud, timeout=TIMEOUT)
        stack.enter_context(link)
        bar = stack.enter_context(progress_bar())
        task = bar.add_task("connecting", total=None)

        def telling(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        detector = BoardDetector(
            link=link,
            board=board,
            network=exported,
            path=path,
            threshold=threshold,
            check=check,
            verify=verify,
            reload=reload,
            telling=telling,
        )
        panels, rows = find_all(images, pixels, [detector.detector])
        statistics = link.statistics
        link.close()
        violations = server.close() if server is not None else 0
    if violations:
        raise UsageError(f"the simulated board broke the rules of its SDRAM {violations} times")
    for row, run in zip(rows, detector.runs, strict=True):
        row |= {"counters": dict(run.counters), "board_milliseconds": run.milliseconds}
    draw_panels(output, panels, columns=1, width=width)
    write_json(
        json_path,
        {
            "board": board.name,
            "simulated": simulate,
            "checked": check,
            "loads": detector.loads,
            "frames": {"sent": statistics.sent, "repeated": statistics.repeated},
            "threshold": threshold,
            "images": rows,
        },
    )
    console.print(detection_table(rows))
    console.print(_run_table(rows))
    weights = "loaded" if detector.loads else "already there"
    equal = ", every output equal to the golden model's" if check else ""
    console.print(
        f"weights {weights}; {statistics.sent} frames, {statistics.repeated} of them "
        f"repeated{equal}",
        highlight=False,
    )
    console.print(f"picture: {output}", highlight=False)


def _simulate(board: Board, system: SystemConfig) -> BoardServer:
    clock_hz = round(1e6 * board.clock_mhz)
    memory = board.memory(board.clock_mhz) if callable(board.memory) else board.memory
    return BoardServer(system, memory=memory, clock_hz=clock_hz)


def _run_table(rows: list[dict]) -> Table:
    """Cycles of each run on the board."""
    table = Table(title="Runs on the board")
    table.add_column("image")
    for heading in ("ms", *(name.lower().replace("_", " on ") for name in COUNTERS)):
        table.add_column(heading, justify="right")
    for row in rows:
        milliseconds = row["board_milliseconds"]
        table.add_row(
            Path(row["image"]).name,
            "" if milliseconds is None else f"{milliseconds:,.1f}",
            *(f"{row['counters'][name]:,}" for name in COUNTERS),
        )
    return table
