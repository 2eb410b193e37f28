"""Requests out, answers in, with several under way and those that are lost sent again."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from host.errors import LinkError
from host.frames import Answer, FrameReader, pack_request
from host.request import Request
from host.transport import Transport
from params.link import Kind, Status

BITS_PER_BYTE = 10
"""On the line, with start and stop bit."""

OVERHEAD = 24
"""Bytes of two frames without their payloads, rounded up."""

SEQUENCES = 1 << 16

SILENCES = 10
"""Times in a row in which a board that has answered does not: then it is over."""

FIRST_SILENCES = 5
"""The same for one that has never answered."""

LONGEST_SILENCE = 4
"""Times the timeout; each silence is twice as long as that before, up to this."""

ATTEMPTS = 24
"""Times that a request is sent while others get through."""

LEAST_PIECE = 32
"""Bytes of memory in a frame on the worst of lines."""

CALM = 16
"""Answers without a loss after which frames get longer again."""


@dataclass
class Statistics:
    """What has happened so far.

    sent : frames. repeated : of these, again. silences : times that nothing came.
    rejected : stretches of bytes that were no frame. stale : answers that nobody waited for.
    answered : requests.
    """

    sent: int = 0
    repeated: int = 0
    silences: int = 0
    rejected: int = 0
    stale: int = 0
    answered: int = 0


class Exchange:
    """Sends requests over a transport until all are answered.

    Up to `window` requests are under way. A bridge answers in order, so when an answer comes, those
    that were sent before and have none are lost, and are sent again. When nothing comes for
    `timeout` seconds more than the line takes for what is under way, all of it is. Where frames are
    lost, they are made shorter, because a short one is hit less often.

    Parameters
    ----------
    timeout : seconds that a board and the way to it may take to answer.
    first : sequence number to begin with.

    Members
    -------
    statistics : so far. window, payload : requests under way, bytes of memory in a frame, at most.
    """

    def __init__(self, transport: Transport, *, timeout: float, first: int):
        self._transport = transport
        self._timeout = timeout
        self._reader = FrameReader()
        self._sequence = first % SEQUENCES
        self._piece = LEAST_PIECE
        self._calm = 0
        self._heard = False
        self.statistics = Statistics()
        self.window = 1
        self.payload = LEAST_PIECE

    def set_limits(self, *, window: int, payload: int) -> None:
        """What the bridge allows, from now on."""
        self.window = window
        self.payload = self._piece = payload

    def run(self, work: Iterator[Request] | list[Request]) -> Iterator[tuple[Request, Answer]]:
        """Each request, or piece of it, with its answer, in no order.

        Raises
        ------
        LinkError : nothing answers, or a request is lost again and again.
        """
        todo = deque(work)
        under_way: dict[int, Request] = {}  # In the order in which they were sent last.
        silences = 0
        since = self._transport.now()  # When something was sent or answered last.
        self._heard = False
        while todo or under_way:
            while todo and len(under_way) < self.window:
                self._send(todo, under_way)
                since = self._transport.now()
            answers = self._wait(since + self._patience(under_way, silences))
            if answers is None:
                silences += 1
                self.statistics.silences += 1
                if silences == (SILENCES if self.statistics.answered else FIRST_SILENCES):
                    raise LinkError(self._silent())
                if silences > 1:
                    self._shorten()
                todo.extendleft(reversed(under_way.values()))
                under_way.clear()
                continue
            for answer in answers:
                request = under_way.get(answer.sequence)
                if request is None or not _fits(request, answer):
                    self.statistics.stale += 1
                    continue
                silences = 0
                since = self._transport.now()
                lost = []
                for sequence in list(under_way):
                    if sequence == answer.sequence:
                        break
                    lost.append(under_way.pop(sequence))
                del under_way[answer.sequence]
                todo.extendleft(reversed(lost))
                self._adapt(lost=bool(lost))
                self.statistics.answered += 1
                yield request, answer

    def _send(self, todo: deque[Request], under_way: dict[int, Request]) -> None:
        """Send the next piece of what is to be done."""
        request = todo.popleft()
        if request.length:
            request, rest = request.cut(self._piece)
            if rest is not None:
                todo.appendleft(rest)
        if request.attempts == ATTEMPTS:
            raise LinkError(
                f"{ATTEMPTS} attempts to get a frame of {request.length} bytes over "
                f"{self._transport.name} failed: use a shorter cable or a lower baud rate"
            )
        if request.sequence is None:
            while self._sequence in under_way:
                self._sequence = (self._sequence + 1) % SEQUENCES
            request.sequence = self._sequence
            self._sequence = (self._sequence + 1) % SEQUENCES
        self.statistics.repeated += request.attempts > 0
        self.statistics.sent += 1
        request.attempts += 1
        under_way[request.sequence] = request
        self._transport.write(
            pack_request(request.kind, request.sequence, request.address, request.payload)
        )

    def _patience(self, under_way: dict[int, Request], silences: int) -> float:
        """Seconds in which something should come."""
        size = sum(OVERHEAD + one.answer_size + one.length for one in under_way.values())
        # Twice, as every byte may be escaped.
        line = 2 * size * BITS_PER_BYTE / self._transport.baud
        return self._timeout * min(1 << silences, LONGEST_SILENCE) + line

    def _wait(self, end: float) -> list[Answer] | None:
        """Answers that have come; None if none has at the time `end`."""
        while (left := end - self._transport.now()) > 0:
            arrived = self._transport.read(left)
            self._heard |= bool(arrived)
            before = self._reader.rejected
            answers = list(self._reader.feed(arrived))
            self.statistics.rejected += self._reader.rejected - before
            if answers:
                return answers
        return None

    def _adapt(self, *, lost: bool) -> None:
        if lost:
            self._shorten()
            return
        self._calm += 1
        if self._calm == CALM:
            self._calm = 0
            self._piece = min(self.payload, 2 * self._piece)

    def _shorten(self) -> None:
        self._calm = 0
        self._piece = max(min(LEAST_PIECE, self.payload), self._piece // 2)

    def _silent(self) -> str:
        name = self._transport.name
        if self.statistics.answered:
            return (
                f"the board on {name} does not answer any more: is it still on, and its cable "
                f"connected?"
            )
        if self._heard:
            return (
                f"what comes from {name} is no answer of a Zeroshift board: does its baud rate "
                f"differ from {self._transport.baud:g}, or is another program using it?"
            )
        return f"nothing answers on {name}: is the board on and flashed?"


def _fits(request: Request, answer: Answer) -> bool:
    """Whether an answer can be that of a request."""
    sizes = {request.answer_size} if answer.status == Status.OK else {0, request.answer_size}
    if request.kind == Kind.IDENTIFY:  # Of other versions of the protocol, too.
        return answer.kind == request.kind and bool(answer.payload)
    return answer.kind == request.kind and len(answer.payload) in sizes
