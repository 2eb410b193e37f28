"""A memory behind a read port, for tests in Amaranth's own simulator."""

import random
from collections import deque

from params.system import SystemConfig


class Memory:
    """Serves a read port in order, and checks what is asked for.

    Parameters
    ----------
    contents : the window; beats must lie within.
    latency : most cycles, beyond one, from a request to its first beat.
    stalls : share of the cycles in which no request is taken, and in which no beat comes.
    """

    def __init__(
        self, config: SystemConfig, port, contents: bytes, *, latency=0, stalls=0.0, seed=0
    ):
        self._config, self._port, self._contents = config, port, contents
        self._latency, self._stalls = latency, stalls
        self._random = random.Random(seed)
        self.bursts: list[tuple[int, int]] = []
        self.beats = 0

    async def serve(self, ctx):
        """For ever; a background testbench."""
        size, longest = self._config.bus_bytes, self._config.burst_beats
        requests = self._port.requests
        due = deque()
        now = 0
        while True:
            draw = self._random
            arrives = bool(due) and due[0][0] <= now and draw.random() >= self._stalls
            value = draw.getrandbits(8 * size)
            if arrives:
                place = due.popleft()[1] * size
                value = int.from_bytes(self._contents[place : place + size], "little")
                self.beats += 1
            ctx.set(self._port.arriving, arrives)
            ctx.set(self._port.beat, value)
            ctx.set(requests.ready, draw.random() >= self._stalls)
            _, _, valid, ready, beat, beats = await ctx.tick().sample(
                requests.valid, requests.ready, requests.payload.beat, requests.payload.beats
            )
            now += 1
            if valid and ready:
                assert 1 <= beats <= longest
                assert beat // longest == (beat + beats - 1) // longest, "crosses a boundary"
                assert (beat + beats) * size <= len(self._contents), "outside of the window"
                self.bursts.append((beat, beats))
                start = now + draw.randint(0, self._latency)
                due.extend((start, beat + n) for n in range(beats))
