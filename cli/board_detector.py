"""A detector on a board: the network runs there, what is behind it here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from boards.board import Board
from cli.console import UsageError
from cli.detectors import Detector, describe_integers
from compiler.errors import FitError
from compiler.system.image import SystemImage
from compiler.system.lower import lower_network
from golden.layer import QuantizedConv
from golden.network import INPUT, IntegerNetwork
from host.driver import BoardRun, Driver
from host.link import Link
from params.system import SystemConfig
from rfcn.boxes.detections import Detections, detect
from rfcn.data.images import prepare
from rfcn.integer import IntegerDetector

Telling = Callable[[str, int, int], None]
"""Is told what is done, and of how many bytes or steps how many are."""


@dataclass(kw_only=True, eq=False)
class BoardDetector:
    """A network on a board behind a link.

    Images of one size share what is loaded; another size is loaded when it comes.

    Parameters
    ----------
    link : to the board.
    board : which it is.
    network : exported. path : where it was read from.
    threshold : what is more probable is found.
    reload : load what is there already, once.
    verify : read back what was loaded.
    check : compare the board's outputs with the golden model's.
    telling : of progress.

    Members
    -------
    runs : so far. loads : how often something was loaded.

    Raises
    ------
    UsageError : the network does not fit the board's system.
    """

    link: Link
    board: Board
    network: IntegerNetwork
    path: Path
    threshold: float
    reload: bool = False
    verify: bool = False
    check: bool = False
    telling: Telling = lambda what, done, total: None
    runs: list[BoardRun] = field(default_factory=list, init=False)
    loads: int = field(default=0, init=False)

    def __post_init__(self):
        self._detector = IntegerDetector(self.network)
        self._system = fitting_system(self._detector.network, self.board)
        self._images: dict[tuple[int, int], SystemImage] = {}
        self._driver: tuple[tuple[int, int], Driver] | None = None

    @property
    def detector(self) -> Detector:
        """As one of those that look at images."""
        return Detector(
            title=f"{self.board.name}, {describe_integers(self._detector.network)}",
            path=self.path,
            network=self._detector.description,
            find=self.find,
        )

    def find(self, image: np.ndarray) -> Detections:
        """What is on an image, uint8 (height, width, 3).

        Raises
        ------
        LinkError, DriverError : the board does not answer, or the run fails.
        UsageError : outputs differ from the golden model's.
        """
        pixels, scale = prepare(image, self._detector.description)
        size = pixels.shape[1], pixels.shape[2]
        network = self._detector.at(*size)
        driver = self._prepare(size, network)
        quantized = network.input.quantize(pixels).astype(np.int64)
        run = driver.run({INPUT: quantized}, progress=self._moving("running"))
        self.runs.append(run)
        if self.check:
            _compare(run, network, quantized)
        maps = network.floats(run.outputs)
        return detect(maps, size, self._detector.description, scale=scale, threshold=self.threshold)

    def _prepare(self, size: tuple[int, int], network: IntegerNetwork) -> Driver:
        """The driver for images of a size, its network loaded."""
        if self._driver is not None and self._driver[0] == size:
            return self._driver[1]
        if size not in self._images:
            self._images[size] = self._compile(network)
        driver = Driver(self.link, self._images[size])
        if self.reload:
            driver.forget()
            self.reload = False
        self.loads += driver.load(progress=self._moving("loading weights"))
        if self.verify:
            driver.verify(progress=self._moving("verifying"))
        self._driver = size, driver
        return driver

    def _compile(self, network: IntegerNetwork) -> SystemImage:
        nodes = len(network.nodes)
        done = 0

        def node_done(_) -> None:
            nonlocal done
            done += 1
            self.telling("compiling", done, nodes)

        try:
            return lower_network(network, self._system, telling=node_done)
        except FitError as fault:
            raise UsageError(f"{self.path} does not fit the {self.board.name}: {fault}") from fault

    def _moving(self, what: str) -> Callable[[int, int], None]:
        return lambda done, total: self.telling(what, done, total)


def fitting_system(network: IntegerNetwork, board: Board) -> SystemConfig:
    """The system of a board, which has what a network needs.

    Raises
    ------
    UsageError : there is none, or it lacks levels or residuals.
    """
    if board.system is None:
        raise UsageError(f"the {board.name} holds no system that runs networks: choose another")
    array = board.system.array
    layers = [node.layer for node in network.nodes if isinstance(node.layer, QuantizedConv)]
    levels = max(layer.levels for layer in layers)
    if levels > array.levels:
        raise UsageError(
            f"the weights of {network.net} have {levels} levels, but the {board.name} computes "
            f"with {array.levels}: quantize to fewer bits, or build a board with more levels"
        )
    if any(node.residual is not None for node in network.nodes) and not array.residuals:
        raise UsageError(
            f"{network.net} adds residuals, which the {board.name} does not: choose another board"
        )
    return board.system


def _compare(run: BoardRun, network: IntegerNetwork, pixels: np.ndarray) -> None:
    golden = network.run(pixels)
    for name, values in run.outputs.items():
        wrong = np.argwhere(values != golden[name])
        if len(wrong):
            place = tuple(int(k) for k in wrong[0])
            raise UsageError(
                f"the board differs from the golden model in {len(wrong)} of {values.size} values "
                f"of {name}, first at (channel, y, x) = {place}: {values[place]} instead of "
                f"{golden[name][place]}"
            )
