"""Ends of streams, for tests in Amaranth's own simulator."""

import random

from amaranth.hdl import Value


class Source:
    """Sends raw words to a stream, in a share of `stalls` of the cycles none."""

    def __init__(self, stream, words, *, stalls=0.0, seed=0):
        self._stream, self._words = stream, list(words)
        self._stalls, self._random = stalls, random.Random(seed)

    async def send(self, ctx):
        """All words; a testbench."""
        for word in self._words:
            while self._random.random() < self._stalls:
                await ctx.tick()
            ctx.set(Value.cast(self._stream.payload), word)
            ctx.set(self._stream.valid, 1)
            await ctx.tick().until(self._stream.ready)
            ctx.set(self._stream.valid, 0)


class Sink:
    """Takes raw words from a stream, and checks that an offer stays until it is taken.

    `words` holds them, `cycles` the cycle of each.
    """

    def __init__(self, stream, *, stalls=0.0, seed=0):
        self._stream = stream
        self._stalls, self._random = stalls, random.Random(seed)
        self.words: list[int] = []
        self.cycles: list[int] = []

    async def take(self, ctx):
        """For ever; a background testbench."""
        stream = self._stream
        offered = None
        now = 0
        while True:
            ctx.set(stream.ready, self._random.random() >= self._stalls)
            _, _, valid, ready, word = await ctx.tick().sample(
                stream.valid, stream.ready, Value.cast(stream.payload)
            )
            assert offered is None or (valid and word == offered), "an offer was withdrawn"
            offered = word if valid and not ready else None
            if valid and ready:
                self.words.append(word)
                self.cycles.append(now)
            now += 1
