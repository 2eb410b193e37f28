"""The link over lines that lose, delay and refuse."""

import random

import pytest

from host.errors import LinkError
from host.exchange import ATTEMPTS, FIRST_SILENCES, LONGEST_SILENCE
from host.frames import pack_frame
from host.link import TIMEOUT, Link
from params.link import ANSWER, REGISTER_SPACE, Kind
from tests.host.fake_board import IDENTITY, FakeBoard, SilentBoard, other

DATA = random.Random(1).randbytes(1000)


def test_identity():
    assert Link(FakeBoard()).identity == IDENTITY


@pytest.mark.parametrize("address", [0, 1, 63, 64, 3096])
def test_memory(address):
    board = FakeBoard()
    link = Link(board)
    told = []
    link.write_memory(address, DATA, progress=lambda *done: told.append(done))
    assert board.contents[address : address + len(DATA)] == DATA
    assert told[-1] == (1000, 1000)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert link.read_memory(address, len(DATA)) == DATA
    assert link.read_memory(address + 7, 1) == DATA[7:8]
    # Frames as long as they may be, cut where their beats are whole, and several under way.
    pieces = [(place, len(data)) for kind, place, data in board.requests if kind == 3]
    assert all(place % 64 + size <= 64 for place, size in pieces)
    assert len(pieces) == (address + 999) // 64 - address // 64 + 1
    assert board.most_waiting == IDENTITY.requests
    assert link.statistics.repeated == 0


def test_nothing_takes_nothing():
    board = FakeBoard()
    link = Link(board)
    link.write_memory(5, b"")
    assert link.read_memory(4096, 0) == b""
    assert len(board.requests) == 1


def test_registers():
    board = FakeBoard()
    link = Link(board)
    link.write_register(8, 0xFFFF_FFFF)
    assert link.read_register(8) == 0xFFFF_FFFF
    assert board.register_writes == [(8, 0xFFFF_FFFF)]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_lost_is_sent_again(seed):
    rng = random.Random(seed)
    lost = {k for k in range(3000) if rng.random() < 0.3}
    board = FakeBoard(
        lose_request=lambda k: k in lost and k % 2, lose_answer=lambda k: k in lost and not k % 2
    )
    link = Link(board)
    for k in range(20):
        link.write_memory(k, DATA)
        link.write_register(4, k)
        assert link.read_memory(k, len(DATA)) == DATA
    assert board.register_writes == [(4, k) for k in range(20)]
    assert link.statistics.repeated > 50
    assert len(board.requests) == link.statistics.sent


def test_losses_are_noticed_without_waiting():
    board = FakeBoard(lose_request=lambda k: k == 3)
    link = Link(board)
    link.write_memory(0, DATA)
    assert board.contents[:1000] == DATA
    assert link.statistics.silences == 0
    assert board.now() < TIMEOUT


def test_frames_get_shorter_and_longer_again():
    board = FakeBoard(identity=other(payload=1024, memory=1 << 16))
    link = Link(board)
    # No long frame gets through for a while.
    board.lose_request = lambda k: k < 40 and len(board.requests[-1][2]) > 100
    link.write_memory(0, DATA * 60)
    assert board.contents[:60_000] == DATA * 60
    sizes = [len(data) for kind, _, data in board.requests if kind == Kind.WRITE_MEMORY]
    assert min(sizes[8:]) < 100
    assert max(sizes[-20:]) == 1024


def test_a_board_that_is_slower_than_the_timeout_is_waited_for():
    board = FakeBoard(latency=2.5 * TIMEOUT)
    link = Link(board)
    link.write_register(4, 1)
    link.write_memory(0, DATA)
    assert link.read_memory(0, 1000) == DATA
    assert board.register_writes == [(4, 1)]


def test_a_board_that_was_reset():
    board = FakeBoard()
    link = Link(board)
    board.identified = False
    with pytest.raises(LinkError, match="a fake board was reset"):
        link.write_register(4, 1)
    assert not board.registers


def test_a_refusal_is_told():
    link = Link(FakeBoard())
    with pytest.raises(LinkError, match="refused READ_REGISTER at 0x40: nothing is there"):
        link.read_register(64)
    link.write_register(4, 1)


def test_it_goes_on_after_a_refusal_with_frames_under_way():
    board = FakeBoard()
    link = Link(board)
    with pytest.raises(RuntimeError):
        link.write_memory(0, DATA, progress=fail)
    assert link.read_memory(0, 64) == DATA[:64]


def fail(*_):
    raise RuntimeError


def test_silence_has_an_end():
    board = SilentBoard()
    with pytest.raises(LinkError, match="nothing answers on a fake board: is the board on"):
        Link(board)
    assert board.closed
    assert board.now() < TIMEOUT * FIRST_SILENCES * LONGEST_SILENCE


@pytest.mark.parametrize(
    "said",
    [b"hello", b"~", b"~~", pack_frame(b"\x01\0\0\0\0\0\0"), pack_frame(b"\x82\0\0\x01")],
)
def test_babble_has_an_end(said):
    with pytest.raises(LinkError, match="no answer of a Zeroshift board"):
        Link(SilentBoard(said))


def test_a_board_that_falls_silent():
    board = FakeBoard()
    link = Link(board)
    board.lose_request = lambda _: True
    with pytest.raises(LinkError, match="does not answer any more"):
        link.read_memory(0, 1000)
    board.lose_request = lambda _: False
    assert link.read_memory(0, 4) == bytes(4)


def test_a_request_that_never_gets_through():
    board = FakeBoard()
    link = Link(board)
    board.lose_request = lambda k: board.requests[k][1] == 0
    with pytest.raises(LinkError, match=f"{ATTEMPTS} attempts"):
        link.write_memory(0, bytes(4000))


def test_another_version_is_refused():
    with pytest.raises(LinkError, match="speaks version 2 of the link"):
        Link(FakeBoard(identity=other(version=2)))
    board = FakeBoard()
    board.identity = ShortIdentity()
    with pytest.raises(LinkError, match="speaks version 7 of the link"):
        Link(board)


class ShortIdentity:
    def pack(self):
        return b"\x07"


@pytest.mark.parametrize(
    ("address", "size"), [(4096, 1), (0, 4097), (-1, 1), (1 << 32, 1), (0, -1), (4090, 7)]
)
def test_memory_that_is_not_there(address, size):
    link = Link(FakeBoard())
    with pytest.raises(LinkError, match="4096 bytes of memory"):
        link.read_memory(address, size)
    if size > 0:
        with pytest.raises(LinkError, match="4096 bytes of memory"):
            link.write_memory(address, bytes(size))


@pytest.mark.parametrize("offset", [1, 2, -4, REGISTER_SPACE])
def test_registers_that_cannot_be(offset):
    link = Link(FakeBoard())
    with pytest.raises(LinkError, match="no register can lie at"):
        link.read_register(offset)
    with pytest.raises(LinkError, match="no register can lie at"):
        link.write_register(offset, 0)


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_values_that_do_not_fit(value):
    with pytest.raises(LinkError, match="32 bits"):
        Link(FakeBoard()).write_register(0, value)


def test_an_echo_is_no_answer():
    """Requests that come back, as on a line whose ends touch."""

    class Echo(SilentBoard):
        def write(self, data):
            assert not data[1] & ANSWER
            self._said = data

    with pytest.raises(LinkError, match="no answer of a Zeroshift board"):
        Link(Echo())
