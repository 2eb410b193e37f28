"""What every command does to memory and to the units' own memories, without timing."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from compiler.model import STALE, run_row
from compiler.program import RowStream
from compiler.stream import WeightStream
from compiler.system.command import Command
from compiler.system.fault import SystemFaultError
from compiler.system.pieces import Piece, Table
from compiler.system.weight_packets import unpack_row
from params import layouts, packing
from params.commands import Fault, Opcode
from params.system import UNIT_BYTES, SystemConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class TileWeights:
    """What a row is sent for a tile, and the places of its channels, int64 (groups, F)."""

    stream: RowStream
    places: np.ndarray


class Machine:
    """The state of a system between commands.

    The queues from unit to unit have no end here; `ready` and `finished` tell when a command
    could begin, and when all that it made is taken.

    Parameters
    ----------
    config : the system.
    memory : it is changed.
    """

    def __init__(self, config: SystemConfig, memory: bytearray) -> None:
        array = config.array
        self.config = config
        self.memory = np.frombuffer(memory, np.uint8)
        self._activations = np.full((array.depth, array.lanes), STALE, dtype=np.int64)
        self._tables: dict[Opcode, list[dict[str, int] | None]] = {
            opcode: [None] * config.pieces
            for opcode in (Opcode.LOAD_PIECE, Opcode.STORE_PIECE, Opcode.RESIDUAL_PIECE)
        }
        self._runs = {
            name: np.zeros(array.max_runs, dtype=np.int64) for name in ("shift", "base", "groups")
        }
        self._weights: list[list[TileWeights]] = [[] for _ in range(array.rows)]
        self._computed = [0] * array.rows
        self._stored = [0] * array.rows
        self._outputs: list[deque[np.ndarray]] = [deque() for _ in range(array.rows)]
        self._residuals: list[deque[np.ndarray]] = [deque() for _ in range(array.rows)]
        self._pooled: deque[np.ndarray] = deque()

    def ready(self, command: Command, tiles: dict[int, int] | None = None) -> bool:
        """Whether other units have made what a command takes.

        Parameters
        ----------
        tiles : for `RESIDUAL_ROWS` the number, for each row, of the tile that it belongs to.
        """
        fields = command.fields
        match command.opcode:
            case Opcode.COMPUTE_TILE:
                return all(
                    len(self._weights[row]) > self._computed[row]
                    and (self._residuals[row] or not fields["residual"])
                    for row in self._rows(fields["rows"])
                )
            case Opcode.RESIDUAL_ROWS:
                assert tiles is not None
                return all(
                    len(self._weights[row]) > tiles[row] for row in self._rows(fields["rows"])
                )
            case Opcode.STORE_ROWS:
                return all(self._outputs[row] for row in self._rows(fields["rows"]))
            case Opcode.STORE_POOL:
                return len(self._pooled) >= fields["words"]
        return True

    def finished(self, command: Command) -> bool:
        """Whether other units have taken all that a command made."""
        match command.opcode:
            case Opcode.COMPUTE_TILE:
                return not any(self._outputs)
            case Opcode.RESIDUAL_ROWS:
                return not any(self._residuals)
            case Opcode.LOAD_POOL:
                return not self._pooled
            case Opcode.WEIGHTS_ROW:
                row = command.fields["row"]
                return self._stored[row] == len(self._weights[row])
        return True

    def execute(self, command: Command, tiles: dict[int, int] | None = None) -> None:
        """Do what a command says.

        Parameters
        ----------
        tiles : as for `ready`.

        Raises
        ------
        SystemFaultError : it cannot be done.
        """
        fields = command.fields
        match command.opcode:
            case Opcode.LOAD_PIECE | Opcode.STORE_PIECE | Opcode.RESIDUAL_PIECE:
                self._write_piece(command.opcode, fields)
            case Opcode.LOAD_LINES:
                self._load_lines(fields)
            case Opcode.LOAD_POOL:
                self._load_pool(fields)
            case Opcode.COMPUTE_RUN:
                self._write_run(fields)
            case Opcode.COMPUTE_TILE:
                self._compute_tile(fields)
            case Opcode.WEIGHTS_ROW:
                self._send_weights(fields)
            case Opcode.RESIDUAL_ROWS:
                assert tiles is not None
                self._gather_residuals(fields, tiles)
            case Opcode.STORE_ROWS:
                self._store_rows(fields)
            case Opcode.STORE_POOL:
                self._store_pool(fields)

    def left(self) -> str | None:
        """What no command has taken; None when nothing is left."""
        for row in range(self.config.array.rows):
            if self._stored[row] != len(self._weights[row]):
                return (
                    f"row {row} has the weights of {len(self._weights[row])} tiles, but outputs of "
                    f"{self._stored[row]} are stored"
                )
            if self._outputs[row] or self._residuals[row]:
                return f"row {row} has outputs or residuals that nobody takes"
        return "pooled words are left over" if self._pooled else None

    def _write_piece(self, opcode: Opcode, fields) -> None:
        _check("index", fields["index"], 0, self.config.pieces - 1)
        _check("lane and count", fields["lane"] + fields["count"], 0, self.config.array.lanes)
        self._tables[opcode][fields["index"]] = dict(fields)

    def _table(self, opcode: Opcode) -> Table:
        """The words of a unit's table."""
        words: list[tuple[Piece, ...]] = []
        word: list[Piece] = []
        for fields in self._tables[opcode]:
            if fields is None:
                break
            word.append(
                Piece(
                    lane=fields["lane"],
                    count=fields["count"],
                    double=bool(fields["double"]),
                    offset=fields["offset"],
                )
            )
            if fields["last"]:
                words.append(tuple(word))
                word = []
            if fields["final"]:
                if word:
                    break
                return tuple(words)
        raise SystemFaultError(Fault.OPERAND, f"the table of {opcode.name} does not end")

    def _addresses(self, piece: Piece, base: int) -> np.ndarray:
        """The bytes of a piece, int64 (count,)."""
        step = 2 if piece.double else 1
        addresses = base + piece.offset + step * np.arange(piece.count)
        if piece.count and int(addresses[-1]) >= len(self.memory):
            raise SystemFaultError(
                Fault.WINDOW, f"byte {int(addresses[-1])} lies behind the memory"
            )
        return addresses

    def _gather(self, word: tuple[Piece, ...], base: int) -> np.ndarray:
        """The raw activations of all lanes, int64 (lanes,)."""
        lanes = np.zeros(self.config.array.lanes, dtype=np.int64)
        mask = (1 << self.config.array.activation_bits) - 1
        for piece in word:
            values = self.memory[self._addresses(piece, base)] & mask
            lanes[piece.lane : piece.lane + piece.count] = values
        return lanes

    def _scatter(self, word: tuple[Piece, ...], base: int, lanes: np.ndarray) -> None:
        for piece in word:
            values = lanes[piece.lane : piece.lane + piece.count]
            self.memory[self._addresses(piece, base)] = values

    def _load_lines(self, fields) -> None:
        table = self._table(Opcode.LOAD_PIECE)
        count = fields["lines"] * fields["words"] * len(table)
        _check("destination", fields["destination"] + count, 0, self.config.array.depth)
        place = fields["destination"]
        for line in range(fields["lines"]):
            for word in range(fields["words"]):
                base = fields["address"] + line * fields["line_pitch"] + word * fields["word_pitch"]
                for pieces in table:
                    self._activations[place] = self._gather(pieces, base)
                    place += 1

    def _load_pool(self, fields) -> None:
        table = self._table(Opcode.LOAD_PIECE)
        flip = 1 << self.config.array.activation_bits - 1 if fields["signed"] else 0
        for word in range(fields["words"]):
            base = fields["address"] + word * fields["word_pitch"]
            largest = np.zeros(self.config.array.lanes, dtype=np.int64)
            for pieces in table:
                covered = np.zeros(len(largest), dtype=bool)
                for piece in pieces:
                    covered[piece.lane : piece.lane + piece.count] = True
                values = np.where(covered, self._gather(pieces, base) ^ flip, 0)
                largest = np.maximum(largest, values)
            self._pooled.append(largest ^ flip)

    def _write_run(self, fields) -> None:
        array = self.config.array
        _check("index", fields["index"], 0, array.max_runs - 1)
        _check("shift", fields["shift"], 0, array.max_shift)
        _check("base", fields["base"], 0, array.depth - 1)
        _check("groups", fields["groups"], 0, array.groups_per_run)
        for name, values in self._runs.items():
            values[fields["index"]] = fields[name]

    def _rows(self, flags: int) -> list[int]:
        """The rows in a set of flags."""
        if flags >> self.config.array.rows:
            raise SystemFaultError(Fault.OPERAND, f"the array has no rows {flags:#b}")
        return [row for row in range(self.config.array.rows) if flags >> row & 1]

    def _compute_tile(self, fields) -> None:
        array = self.config.array
        _check("passes", fields["passes"], 1, array.max_passes)
        _check("pitch", fields["pitch"], 0, array.depth)
        memory = self._activations
        if fields["signed"]:
            sign = 1 << array.activation_bits - 1
            memory = (memory ^ sign) - sign
        tile = {
            **fields,
            "clamp": {"low": fields["low"], "high": fields["high"]},
        }
        for row in self._rows(fields["rows"]):
            weights = self._weights[row][self._computed[row]]
            residuals = self._residuals[row].popleft() if fields["residual"] else None
            try:
                words = run_row(array, tile, self._runs, memory, weights.stream, residuals)
            except (AssertionError, StopIteration, IndexError, RuntimeError) as fault:
                raise SystemFaultError(
                    Fault.WEIGHTS, f"the weights of row {row}: {fault}"
                ) from fault
            self._outputs[row].append(words)
            self._computed[row] += 1

    def _send_weights(self, fields) -> None:
        array = self.config.array
        _check("row", fields["row"], 0, array.rows - 1)
        end = fields["address"] + fields["units"] * UNIT_BYTES
        if end > len(self.memory):
            raise SystemFaultError(Fault.WINDOW, f"weights end at byte {end}, behind the memory")
        units = self.memory[fields["address"] : end].view("<u4")
        try:
            found = unpack_row(units, array)
        except ValueError as fault:
            raise SystemFaultError(Fault.WEIGHTS, f"row {fields['row']}: {fault}") from fault
        headers = packing.unpack(layouts.header(array), found.headers)
        if headers["end"].sum() != 1 or not headers["end"][-1]:
            raise SystemFaultError(Fault.WEIGHTS, f"row {fields['row']} has no tile's weights")
        weights = WeightStream(
            groups=headers["lengths"]["groups"],
            code_words=headers["lengths"]["code_words"],
            steps=np.zeros(len(headers["end"]), dtype=np.int64),
            masks=found.masks,
            codes=found.codes,
        )
        stream = RowStream(channels=found.places, headers=found.headers, weights=weights)
        tile = TileWeights(stream=stream, places=found.places)
        self._weights[fields["row"]] += [tile] * fields["repeat"]

    def _words(self, opcode: Opcode, passes: int) -> Table:
        """The words of a table that has one for each pass."""
        table = self._table(opcode)
        if len(table) != passes:
            raise SystemFaultError(
                Fault.OPERAND, f"the table of {opcode.name} has {len(table)} words for {passes}"
            )
        return table

    def _gather_residuals(self, fields, tiles: dict[int, int]) -> None:
        table = self._words(Opcode.RESIDUAL_PIECE, fields["passes"])
        array = self.config.array
        for row in self._rows(fields["rows"]):
            places = self._weights[row][tiles[row]].places
            values = np.zeros((len(places), len(table), places.shape[1], array.lanes), np.int64)
            for group, number, filter_ in np.ndindex(*values.shape[:3]):
                place = int(places[group, filter_])
                if place >= 0:
                    base = fields["address"] + place
                    values[group, number, filter_] = self._gather(table[number], base)
            outlets = values.reshape(
                *values.shape[:3], array.drain_width, array.lanes_per_outlet
            ).swapaxes(3, 4)
            words = outlets.reshape(-1, array.drain_width)
            self._residuals[row].append(packing.pack(layouts.residuals(array), words, len(words)))

    def _store_rows(self, fields) -> None:
        table = self._words(Opcode.STORE_PIECE, fields["passes"])
        array = self.config.array
        for row in self._rows(fields["rows"]):
            places = self._weights[row][self._stored[row]].places
            words = packing.unpack(layouts.outputs(array), self._outputs[row].popleft())
            groups, filters = places.shape
            size = groups * len(table) * filters * array.lanes_per_outlet
            if len(words) != size:
                raise SystemFaultError(
                    Fault.OPERAND, f"row {row} has {len(words)} output words instead of {size}"
                )
            values = words.reshape(
                groups, len(table), filters, array.lanes_per_outlet, array.drain_width
            ).swapaxes(3, 4)
            values = values.reshape(groups, len(table), filters, array.lanes)
            for group, number, filter_ in np.ndindex(*values.shape[:3]):
                place = int(places[group, filter_])
                if place >= 0:
                    base = fields["address"] + place
                    self._scatter(table[number], base, values[group, number, filter_])
            self._stored[row] += 1

    def _store_pool(self, fields) -> None:
        word = self._table(Opcode.STORE_PIECE)[0]
        for number in range(fields["words"]):
            base = fields["address"] + number * fields["word_pitch"]
            self._scatter(word, base, self._pooled.popleft())


def _check(name: str, value: int, low: int, high: int) -> None:
    """Refuse an operand.

    Raises
    ------
    SystemFaultError : `value` is not in `low`..`high`.
    """
    if not low <= value <= high:
        raise SystemFaultError(Fault.OPERAND, f"{name} is {value}, but must be in {low}..{high}")
