"""All boards."""

from boards.arty_a7 import ARTY_A7
from boards.board import Board
from boards.ecpix5 import ECPIX5
from boards.icebreaker import ICEBREAKER
from boards.ulx3s import ULX3S
from golden.errors import UserError

BOARDS = {board.name: board for board in (ULX3S, ECPIX5, ICEBREAKER, ARTY_A7)}
"""Boards by name."""


class UnknownBoardError(UserError):
    """No board has that name; the message lists those there are."""


def find_board(name: str) -> Board:
    """The board `name`.

    Raises
    ------
    UnknownBoardError : there is none.
    """
    if name not in BOARDS:
        raise UnknownBoardError(f"no board is called {name!r}; choose one of {', '.join(BOARDS)}")
    return BOARDS[name]
