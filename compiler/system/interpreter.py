"""Executes the image of a system's memory by the letter of `params.commands`.

Two ways: one command after the other, which shows that the order of the commands alone is enough;
and every unit for itself, in an order drawn by chance, which shows that queues and semaphores are.
"""

import random
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from compiler.system.command import Command, decode
from compiler.system.fault import SystemFaultError
from compiler.system.image import SystemImage
from compiler.system.machine import Machine
from params.commands import COMMAND_BYTES, SEMAPHORE_BITS, SEMAPHORES, Fault, Opcode, Unit

HIGHEST = (1 << SEMAPHORE_BITS) - 1

CHANGE = 1 / 16
"""How often units that run side by side change in who goes first."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command with its number and, for `RESIDUAL_ROWS`, each row's number of its tile."""

    number: int
    command: Command
    tiles: dict[int, int]


@dataclass(kw_only=True)
class Lane:
    """A unit with its queue; the rows of the weights unit have one each."""

    queue: deque[Step] = field(default_factory=deque)
    unfinished: Command | None = None
    """What it has done but others have not taken yet."""


class Semaphores:
    """Counters of what is done."""

    def __init__(self) -> None:
        self.values = [0] * SEMAPHORES

    def ready(self, command: Command) -> bool:
        """Whether a command need not wait."""
        return command.wait == 0 or self.values[command.wait] > 0

    def begin(self, command: Command) -> None:
        """Count down what a command has waited for."""
        if command.wait:
            self.values[command.wait] -= 1

    def end(self, command: Command) -> None:
        """Count up what a command signals.

        Raises
        ------
        SystemFaultError : SEMAPHORE, it would count too far.
        """
        if command.signal:
            if self.values[command.signal] == HIGHEST:
                raise SystemFaultError(
                    Fault.SEMAPHORE, f"semaphore {command.signal} is counted above {HIGHEST}"
                )
            self.values[command.signal] += 1


def run_in_order(image: SystemImage, memory: bytearray) -> None:
    """Execute the commands one after the other.

    Parameters
    ----------
    memory : of `SystemImage.memory`; it is changed.

    Raises
    ------
    SystemFaultError : a run that ends early; STALLED if a command waits for one behind it.
    """
    machine, semaphores = Machine(image.config, memory), Semaphores()
    steps = _steps(image, memory)
    for step in steps:
        command = step.command
        try:
            if command.opcode == Opcode.END:
                break
            if not semaphores.ready(command) or not machine.ready(command, step.tiles):
                raise SystemFaultError(Fault.STALLED, "it waits for a command behind it")
            semaphores.begin(command)
            machine.execute(command, step.tiles)
            semaphores.end(command)
        except SystemFaultError as fault:
            raise _placed(fault, step, image) from fault
    _check_end(machine, semaphores)


def run_concurrently(
    image: SystemImage, memory: bytearray, *, seed: int, queue: int = 4, buffered: bool = True
) -> None:
    """Execute the commands with units that run side by side, out of step.

    Commands go to the units' queues in order, as long as there is room. Which unit does its next
    command when is drawn by chance; a command is done at once. The rows' weights are read side by
    side, each row's in order.

    Parameters
    ----------
    memory : of `SystemImage.memory`; it is changed.
    seed : of the order.
    queue : commands that wait in front of a unit.
    buffered : what a unit makes for another lies between them without end, so that units are as
        far out of step as semaphores let them; otherwise the unit is done only when the other has
        taken all, so that units lean on one another as much as they may.

    Raises
    ------
    SystemFaultError : a run that ends early; STALLED if no unit can go on.
    """
    machine, semaphores, chance = Machine(image.config, memory), Semaphores(), random.Random(seed)
    waiting = deque(_steps(image, memory))
    lanes = {(unit, 0): Lane() for unit in Unit}
    lanes |= {(Unit.WEIGHTS, row): Lane() for row in range(image.config.array.rows)}

    def dispatch() -> bool:
        if not waiting or waiting[0].command.opcode == Opcode.END:
            return False
        command = waiting[0].command
        lane = lanes.get((command.unit, command.fields.get("row", 0)))
        if lane is None:
            fault = SystemFaultError(Fault.OPERAND, f"there is no row {command.fields['row']}")
            raise _placed(fault, waiting[0], image)
        if len(lane.queue) >= queue:
            return False
        lane.queue.append(waiting.popleft())
        return True

    def advance(lane: Lane) -> bool:
        if lane.unfinished is not None:
            if not machine.finished(lane.unfinished):
                return False
            semaphores.end(lane.unfinished)
            lane.unfinished = None
            return True
        if not lane.queue:
            return False
        step = lane.queue[0]
        try:
            if not semaphores.ready(step.command) or not machine.ready(step.command, step.tiles):
                return False
            semaphores.begin(step.command)
            machine.execute(step.command, step.tiles)
            lane.queue.popleft()
            if buffered:
                semaphores.end(step.command)
            else:
                lane.unfinished = step.command
        except SystemFaultError as fault:
            raise _placed(fault, step, image) from fault
        return True

    # None is what fills the queues. The first that can go on does; to keep an order for a while
    # lets some units get far ahead of others.
    order = [None, *lanes.values()]
    while True:
        if chance.random() < CHANGE:
            chance.shuffle(order)
        if not any(dispatch() if lane is None else advance(lane) for lane in order):
            break
    stuck = [lane.queue[0] for lane in lanes.values() if lane.queue]
    if stuck or any(lane.unfinished for lane in lanes.values()) or len(waiting) > 1:
        names = ", ".join(f"{step.command.opcode.name} ({step.number})" for step in stuck)
        raise SystemFaultError(
            Fault.STALLED, f"no unit can go on; at the front wait {names or 'none'}"
        )
    _check_end(machine, semaphores)


def _steps(image: SystemImage, memory: bytearray) -> list[Step]:
    """The commands up to END, read from memory.

    Raises
    ------
    SystemFaultError : WINDOW or OPCODE.
    """
    start, count = image.commands, image.command_count
    if start + count * COMMAND_BYTES > len(memory):
        raise SystemFaultError(Fault.WINDOW, "the commands end behind the memory")
    encoded = np.frombuffer(memory, np.uint8, count * COMMAND_BYTES, start)
    commands = decode(encoded.reshape(-1, COMMAND_BYTES))
    if not commands or commands[-1].opcode != Opcode.END:
        raise SystemFaultError(Fault.OPCODE, "the commands do not end with END")
    # Residuals go to the next tile that a row computes.
    tiles = dict.fromkeys(range(image.config.array.rows), 0)
    steps = []
    for number, command in enumerate(commands):
        own = {}
        if command.opcode == Opcode.RESIDUAL_ROWS:
            own = dict(tiles)
        if command.opcode == Opcode.COMPUTE_TILE:
            for row in tiles:
                tiles[row] += command.fields["rows"] >> row & 1
        steps.append(Step(number=number, command=command, tiles=own))
    return steps


def _placed(fault: SystemFaultError, step: Step, image: SystemImage) -> SystemFaultError:
    """The fault with the command at which it happened."""
    layer = image.layer_of(step.number)
    of = "" if layer is None else f" of {layer}"
    text = str(fault).removeprefix(f"{fault.fault.name}: ")
    return SystemFaultError(
        fault.fault, f"command {step.number}, {step.command.opcode.name}{of}: {text}"
    )


def _check_end(machine: Machine, semaphores: Semaphores) -> None:
    """Refuse a run that leaves anything behind."""
    left = machine.left()
    if left is not None:
        raise SystemFaultError(Fault.STALLED, left)
    for number, value in enumerate(semaphores.values):
        if value:
            raise SystemFaultError(Fault.SEMAPHORE, f"semaphore {number} is {value} at the end")
