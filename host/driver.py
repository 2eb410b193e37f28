"""Runs a compiled network on a board: weights once, then image after image."""

import dataclasses
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compiler.system.image import SystemImage
from compiler.system.map_place import MapPlace, to_raw
from golden.errors import UserError
from host.board import Board, Progress
from params.commands import Fault
from params.registers import COUNTERS, IDENTIFIER, OFFSETS, VERSION

STAMP_BYTES = 64
"""Kept at the end of a board's memory: what was loaded into it."""

STAMP_NAME = b"zeroshift loaded"

SHORTEST_WAIT, LONGEST_WAIT = 0.001, 0.05
"""Seconds between two looks at a run; they grow."""

DONE, ERROR = 0b010, 0b100
BUSY = 0b001
"""Bits of the register STATUS."""


class DriverError(UserError):
    """A board cannot run a network, or a run has failed; the message says why."""


@dataclass(frozen=True, kw_only=True)
class BoardRun:
    """What a run on a board gave.

    Parameters
    ----------
    outputs : integers (channels, height, width) of the network's outputs by name.
    counters : cycles of each kind; see `params.registers.COUNTERS`.
    clock_hz : of the system; 0 where the board does not tell.
    """

    outputs: Mapping[str, np.ndarray]
    counters: Mapping[str, int]
    clock_hz: int

    @property
    def milliseconds(self) -> float | None:
        """The time of the run on the board, without the link's."""
        return 1e3 * self.counters["CYCLES"] / self.clock_hz if self.clock_hz else None


class Driver:
    """A network on a board.

    The memory window begins at address 0. Behind all that a run touches, in the last bytes of
    memory, a stamp tells what was loaded; it counts only while the registers hold what goes with
    it, so that contents that a reset or a new configuration has left behind are loaded again.

    Parameters
    ----------
    board : the board.
    image : compiled for its system.
    patience : seconds without a cycle of a run after which the board is given up.

    Raises
    ------
    DriverError : the board has another system than the image is for, or too little memory. Every
        method raises a LinkError, too, when the board does not answer.
    """

    def __init__(self, board: Board, image: SystemImage, *, patience: float = 10.0):
        self._board = board
        self._image = image
        self._patience = patience
        identity = board.read_register(OFFSETS["ID"])
        if identity != IDENTIFIER << 16 | VERSION:
            raise DriverError(
                f"the register ID reads {identity:#010x}, not {IDENTIFIER << 16 | VERSION:#010x}: "
                "flash a board design of this release"
            )
        config = board.read_register(OFFSETS["CONFIG"])
        if config != image.config.digest:
            raise DriverError(
                f"the board's system is {config:08x}, but the network was compiled for "
                f"{image.config.array.name} with a bus of {image.config.bus_bytes} bytes, which is "
                f"{image.config.digest:08x}: name the board that is connected, or flash this one"
            )
        size = image.size + STAMP_BYTES
        memory = board.identity.memory
        if memory and size > memory:
            raise DriverError(
                f"{image.net} takes {size:,} bytes of memory, but the board has {memory:,}: choose "
                "a smaller image"
            )
        self._stamp_at = (memory or size + -size % STAMP_BYTES) - STAMP_BYTES
        digest = hashlib.sha256(image.contents.tobytes())
        places = (image.address, image.size, image.commands, config)
        digest.update(" ".join(map(str, places)).encode())
        self._stamp = (STAMP_NAME + digest.digest()).ljust(STAMP_BYTES, b"\0")

    @property
    def loaded(self) -> bool:
        """Whether commands and weights are in the board's memory."""
        return (
            all(self._read(name) == value for name, value in self._window.items())
            and self._board.read_memory(self._stamp_at, STAMP_BYTES) == self._stamp
        )

    def load(self, *, progress: Progress | None = None) -> bool:
        """Bring commands and weights to the board; False if they are there already."""
        self._wait()
        if self.loaded:
            return False
        self.forget()
        image = self._image
        self._board.write_memory(image.address, image.contents.tobytes(), progress=progress)
        for name, value in self._window.items():
            self._write(name, value)
        self._board.write_memory(self._stamp_at, self._stamp)
        return True

    def forget(self) -> None:
        """Have what is loaded loaded again."""
        self._board.write_memory(self._stamp_at, bytes(STAMP_BYTES))

    def verify(self, *, progress: Progress | None = None) -> None:
        """Read commands and weights back.

        Raises
        ------
        DriverError : they differ from what was loaded.
        """
        wanted = self._image.contents.tobytes()
        found = self._board.read_memory(self._image.address, len(wanted), progress=progress)
        if found != wanted:
            place = next(n for n, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
            self.forget()
            raise DriverError(
                f"byte {self._image.address + place:#x} of the board's memory is {found[place]}, "
                f"but was written as {wanted[place]}: load again, and test the memory if it recurs"
            )

    def run(
        self, inputs: Mapping[str, np.ndarray], *, progress: Progress | None = None
    ) -> BoardRun:
        """Run the network, which is loaded.

        Parameters
        ----------
        inputs : integers of the image's inputs by name.
        progress : of all bytes that go to the board and come from it.

        Raises
        ------
        DriverError : the run ended with a fault, or does not go on.
        ActivationError : an input of another shape or format.
        """
        image = self._image
        outputs = [image.maps[name].place for name in image.outputs]
        places = [image.maps[name].place for name in image.inputs]
        bytes_of = _Sum(progress, sum(place.bytes for place in places + outputs))
        bits = image.config.array.activation_bits
        for name, place in zip(image.inputs, places, strict=True):
            values = image.maps[name].map.check(np.asarray(inputs[name]), name)
            memory = bytearray(place.bytes)
            _at_zero(place).write(memory, to_raw(values, bits))
            self._board.write_memory(place.address, bytes(memory), progress=bytes_of.part)
            bytes_of.next(place.bytes)
        self._write("CONTROL", 1)
        self._wait()
        if self._read("STATUS") & ERROR:
            fault = self._read("FAULT")
            name = Fault(fault) if fault in {f.value for f in Fault} else Fault.NONE
            raise DriverError(
                f"the board stopped with fault {image.describe(name, self._read('PLACE'))}: load "
                "the network again, and look at --check if it recurs"
            )
        counters = {name: self._read(f"{name}_HIGH") << 32 | self._read(name) for name in COUNTERS}
        memory = bytearray(image.size)
        for place in outputs:
            memory[place.address : place.end] = self._board.read_memory(
                place.address, place.bytes, progress=bytes_of.part
            )
            bytes_of.next(place.bytes)
        return BoardRun(
            outputs={name: image.read_map(memory, name) for name in image.outputs},
            counters=counters,
            clock_hz=self._board.identity.clock,
        )

    @property
    def _window(self) -> dict[str, int]:
        image = self._image
        return {
            "WINDOW_BASE": 0,
            "WINDOW_BASE_HIGH": 0,
            "WINDOW_SIZE": image.size,
            "COMMANDS": image.commands,
        }

    def _wait(self) -> None:
        """Wait until no run is under way."""
        wait, cycles = SHORTEST_WAIT, -1
        since = time.monotonic()
        while self._read("STATUS") & BUSY:
            now = self._read("CYCLES")
            if now != cycles:
                cycles, since = now, time.monotonic()
            elif time.monotonic() - since > self._patience:
                raise DriverError(
                    f"the board's run stands still at cycle {cycles:,}: reset or flash the board"
                )
            time.sleep(wait)
            wait = min(LONGEST_WAIT, 2 * wait)

    def _read(self, name: str) -> int:
        return self._board.read_register(OFFSETS[name])

    def _write(self, name: str, value: int) -> None:
        self._board.write_register(OFFSETS[name], value)


class _Sum:
    """One progress out of several."""

    def __init__(self, progress: Progress | None, total: int):
        self._progress = progress
        self._total = total
        self._done = 0

    def part(self, done: int, _: int) -> None:
        """Part of the present transfer is done."""
        if self._progress is not None:
            self._progress(self._done + done, self._total)

    def next(self, size: int) -> None:
        """A transfer of `size` bytes is over."""
        self._done += size


def _at_zero(place: MapPlace) -> MapPlace:
    """The same place at the beginning of a memory of its own."""
    return dataclasses.replace(place, address=0)
