"""Proofs of the replay buffer: every block, every pass, every word, in order."""

import pytest

from hw.replay_buffer import ReplayBuffer
from tests.hw.formal.prover import prove, reach, refute
from tests.hw.formal.replay_buffer_spec import SHAPE, ReplayBufferSpec
from tests.hw.mutants import mutant


def spec(block=ReplayBuffer, *, depth=3, invariants=False):
    sizes = {"depth": depth, "max_length": depth + 2, "max_passes": 3}
    return ReplayBufferSpec(block(SHAPE, **sizes), invariants=invariants, **sizes)


@pytest.mark.parametrize("depth", [3, 4])
def test_buffer(depth):
    prove(spec(depth=depth, invariants=True))


def test_every_case_is_reached():
    reach(spec(), depth=16)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.i.ready.eq(free)", "self.i.ready.eq(ahead != depth)"),
        ("Mux(written, held == depth - 1, held == depth)", "(held == depth)"),
        ("free.eq(released | ~", "free.eq(fetch | ~"),
        ("busy & some & (output.i.ready | ~output.i.valid)", "busy & some"),
        ("some & (output.i.ready | ~output.i.valid)", "output.i.ready"),
        ("final.eq(passes_left == 2)", "final.eq(passes_left <= 3)"),
        ("final.eq(self.passes == 1)", "final.eq(self.passes <= 2)"),
        ("last.eq(length == 1)", "last.eq(0)"),
        ("& (self.lengths.payload != 0)", ""),
        ("read.addr.eq(start)", "read.addr.eq(0)"),
        ("Mux(busy, following(read.addr), read.addr)", "read.addr"),
        ("Mux(rewinds, length, 0)", "Mux(rewinds, remaining, 0)"),
        ("rewinds | (ahead > 1)", "(ahead > 1)"),
        ("with m.If(~busy | ends)", "with m.If(~busy | last)"),
        ("held.eq(held + written - released)", "held.eq(held + written - fetch)"),
    ],
)
def test_broken_buffer_is_refuted(old, new):
    refute(spec(mutant(ReplayBuffer, old, new)), depth=12)
