"""The commands of a network in an order in which they could also run one after another."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from compiler.program import Program
from compiler.system.command import Command
from compiler.system.map_place import MapPlace
from compiler.system.order import (
    FREE,
    LOADED,
    STORED_TO_LOAD,
    STORED_TO_RESIDUAL,
    NodeOrder,
)
from compiler.system.piece_table import PieceTable
from compiler.system.plan import SystemPlan, tile_offsets
from compiler.system.pool import PoolChunk
from compiler.system.tile_commands import load_commands, relative_table
from params import layouts, packing
from params.commands import BODIES, Opcode
from params.system import SystemConfig

MOST_REPEATS = (1 << BODIES[Opcode.WEIGHTS_ROW]["repeat"].width) - 1


@dataclass(frozen=True, kw_only=True)
class RowWeightsPlace:
    """Where the weights of a row lie: `units` units from `address` on."""

    row: int
    address: int
    units: int


class CommandSequence:
    """Collects commands; knows what tables and memories hold once all so far are done.

    Members
    -------
    commands : all so far.
    """

    def __init__(self, config: SystemConfig) -> None:
        self.commands: list[Command] = []
        self._config = config
        self._load = PieceTable(Opcode.LOAD_PIECE)
        self._store = PieceTable(Opcode.STORE_PIECE)
        self._residual = PieceTable(Opcode.RESIDUAL_PIECE)
        self._runs: dict[int, dict[str, int]] = {}
        self._regions: list[range] = []
        """Words of the activation memory that each tile takes."""
        self._freed = 0
        """Tiles whose words the load unit knows to be free."""

    def convolution(
        self,
        plan: SystemPlan,
        weights: list[RowWeightsPlace],
        order: NodeOrder,
        source: MapPlace,
        output: MapPlace,
        residual: MapPlace | None,
    ) -> None:
        """Add a convolution.

        Parameters
        ----------
        weights : of the active rows.
        source, output, residual : places of the maps.
        """
        program = plan.program
        tiles = len(program.tiles)
        rows = sum(1 << row for row in program.active_rows)
        for number, tile in enumerate(program.tiles):
            table, base = relative_table(output.offsets(tile.pixels))
            fields = {"rows": rows, "passes": tile.passes}
            if number % MOST_REPEATS == 0:
                repeat = min(MOST_REPEATS, tiles - number)
                self._send_weights(weights, repeat, adds=residual is not None)
            self._load_tile(plan, number, source, waits=order.load_waits and number == 0)
            if residual is not None:
                own = fields | {"address": residual.address + base}
                wait = STORED_TO_RESIDUAL if order.residual_waits and number == 0 else 0
                self._add(*self._residual.write(table))
                self._add(Command(opcode=Opcode.RESIDUAL_ROWS, fields=own, wait=wait))
            self._compute_tile(program, number, rows)
            own = fields | {"address": output.address + base}
            self._add(*self._store.write(table))
            stored = Command(opcode=Opcode.STORE_ROWS, fields=own)
            self._add(*(_telling(stored, order) if number == tiles - 1 else [stored]))

    def max_pool(
        self,
        chunks: tuple[PoolChunk, ...],
        order: NodeOrder,
        source: MapPlace,
        output: MapPlace,
        *,
        signed: bool,
    ) -> None:
        """Add a max-pool."""
        for number, chunk in enumerate(chunks):
            fields = {
                "address": source.address + chunk.source_base,
                "words": source.channels,
                "word_pitch": source.pitch,
                "signed": int(signed),
            }
            wait = STORED_TO_LOAD if order.load_waits and number == 0 else 0
            self._add(*self._load.write(chunk.taps))
            self._add(Command(opcode=Opcode.LOAD_POOL, fields=fields, wait=wait))
            fields = {
                "address": output.address + chunk.output_base,
                "words": output.channels,
                "word_pitch": output.pitch,
            }
            self._add(*self._store.write(chunk.outputs))
            stored = Command(opcode=Opcode.STORE_POOL, fields=fields)
            self._add(*(_telling(stored, order) if number == len(chunks) - 1 else [stored]))

    def end(self) -> None:
        """Add what ends the run; all semaphores are zero then."""
        self._add(*_syncs([FREE] * (len(self._regions) - self._freed)))
        self._freed = len(self._regions)
        self._add(Command(opcode=Opcode.END))

    def _add(self, *commands: Command) -> None:
        self.commands += commands

    def _send_weights(self, weights: list[RowWeightsPlace], repeat: int, *, adds: bool) -> None:
        """Send the rows their weights for the next `repeat` tiles; `adds`, to a residual."""
        for place in weights:
            fields = {**dataclasses.asdict(place), "repeat": repeat, "residual": int(adds)}
            self._add(Command(opcode=Opcode.WEIGHTS_ROW, fields=fields))

    def _load_tile(self, plan: SystemPlan, number: int, source: MapPlace, *, waits: bool) -> None:
        """Load a tile, once its map is stored and its words are free."""
        program = plan.program
        tile = program.tiles[number]
        base = self._base(plan)
        region = range(base, base + program.layout.words(tile.passes))
        semaphores = [STORED_TO_LOAD] if waits else []
        for earlier in range(len(self._regions) - 1, self._freed - 1, -1):
            if _overlap(self._regions[earlier], region):
                semaphores += [FREE] * (earlier + 1 - self._freed)
                self._freed = earlier + 1
                break
        self._regions.append(region)
        offsets = tile_offsets(tile.sources(program.layout), source)
        commands = load_commands(self._load, source, offsets, base)
        *syncs, own = semaphores or [0]
        first = next(n for n, command in enumerate(commands) if command.opcode == Opcode.LOAD_LINES)
        commands[first] = dataclasses.replace(commands[first], wait=own)
        commands[-1] = dataclasses.replace(commands[-1], signal=LOADED)
        self._add(*commands[:first], *_syncs(syncs), *commands[first:])

    def _base(self, plan: SystemPlan) -> int:
        """The first word of the next tile: that of the half which the tile before does not use."""
        if plan.half is None or not self._regions:
            return 0
        last = self._regions[-1]
        return plan.half if last.start < plan.half else 0

    def _compute_tile(self, program: Program, number: int, rows: int) -> None:
        """Compute the tile that was loaded last."""
        config = self._config.array
        table = packing.unpack(layouts.run_write(config), program.run_table())
        base = self._regions[-1].start
        for entry, index in enumerate(table["index"]):
            run = {key: int(values[entry]) for key, values in table["run"].items()}
            fields = {"index": int(index), **run, "base": run["base"] + base}
            if self._runs.get(int(index)) != fields:
                self._runs[int(index)] = fields
                self._add(Command(opcode=Opcode.COMPUTE_RUN, fields=fields))
        tile = packing.unpack(layouts.tile(config), program.command(number))
        fields = {
            name: int(tile[name][0])
            for name in ("passes", "pitch", "signed", "residual", "residual_signed")
            if name in tile
        }
        fields = {"residual": 0, "residual_signed": 0, "rows": rows} | fields
        fields |= {name: int(values[0]) for name, values in tile["clamp"].items()}
        self._add(Command(opcode=Opcode.COMPUTE_TILE, fields=fields, wait=LOADED, signal=FREE))


def _telling(stored: Command, order: NodeOrder) -> Iterator[Command]:
    """The last store of a node, and what tells the units that wait for its map."""
    told = [STORED_TO_LOAD] * order.tells_load + [STORED_TO_RESIDUAL] * order.tells_residual
    first, *others = told or [0]
    yield dataclasses.replace(stored, signal=first)
    for semaphore in others:
        yield Command(opcode=Opcode.STORE_SYNC, signal=semaphore)


def _syncs(semaphores: list[int]) -> list[Command]:
    """Commands of the load unit that do nothing but wait."""
    return [Command(opcode=Opcode.LOAD_SYNC, wait=semaphore) for semaphore in semaphores]


def _overlap(a: range, b: range) -> bool:
    return a.start < b.stop and b.start < a.stop
