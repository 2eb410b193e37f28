"""What a unit's table of pieces holds, and the commands that change it."""

from compiler.system.command import Command
from compiler.system.pieces import Table
from params.commands import Opcode


class PieceTable:
    """A unit's table, as it is when all commands so far are done.

    Parameters
    ----------
    opcode : of the command that writes an entry.
    """

    def __init__(self, opcode: Opcode) -> None:
        self._opcode = opcode
        self._entries: list[dict[str, int]] = []

    def write(self, table: Table) -> list[Command]:
        """The commands for the entries of `table` that the unit does not hold already."""
        commands = []
        for index, entry in enumerate(_fields(table)):
            fields = {"index": index, **entry}
            if index < len(self._entries) and self._entries[index] == fields:
                continue
            self._entries[index : index + 1] = [fields]
            commands.append(Command(opcode=self._opcode, fields=fields))
        return commands


def _fields(table: Table) -> list[dict[str, int]]:
    """The entries of a table without their places in it."""
    fields = []
    for number, word in enumerate(table):
        pieces = [
            {"lane": p.lane, "count": p.count, "double": int(p.double), "offset": p.offset}
            for p in word
        ] or [{"lane": 0, "count": 0, "double": 0, "offset": 0}]
        for place, piece in enumerate(pieces):
            last = place == len(pieces) - 1
            final = last and number == len(table) - 1
            fields.append({**piece, "last": int(last), "final": int(final)})
    return fields
