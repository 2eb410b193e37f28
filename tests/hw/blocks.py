"""The blocks under test, side by side in one top level, so that they compile once."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.replay_buffer import ReplayBuffer
from hw.requantizer import Requantizer
from hw.weight_decoder import WeightDecoder
from params import ArrayConfig
from sim.build import Build, build
from sim.engine import Engine

REQUANTIZERS = {
    f"requantizer_{activation_bits}_{accumulator_bits}": ArrayConfig(
        lanes=4, rows=1, depth=4, drain_width=1, activation_bits=activation_bits,
        accumulator_bits=accumulator_bits,
    )
    for activation_bits, accumulator_bits in (
        (4, 12), (5, 17), (8, 26), (6, 34), (7, 35), (8, 48),
    )
}  # fmt: skip
"""Configs by the name of their requantizer's ports."""

REPLAY_WIDTH = 12
REPLAY = {"depth": 8, "max_length": 20, "max_passes": 5}
"""Parameters of the replay buffer, whose ports are called `replay`."""

DECODERS = {
    f"decoder_{filters}": ArrayConfig(
        lanes=4, rows=1, filters_per_row=filters, depth=64, drain_width=1, mask_bits=8,
        codes_per_word=3, mask_depth=16, code_depth=48, max_runs=4, max_passes=5,
    )
    for filters in (1, 2)
}  # fmt: skip
"""Configs by the name of their weight decoder's ports."""


class Blocks(wiring.Component):
    """Components with all their ports at the top; those of block `name` start with `<name>__`."""

    def __init__(self, blocks: dict[str, wiring.Component]):
        self._blocks = blocks
        super().__init__({name: Out(block.signature) for name, block in blocks.items()})

    def elaborate(self, platform):
        m = Module()
        for name, block in self._blocks.items():
            m.submodules[name] = block
            # Amaranth cannot flip an interface that holds an array of interfaces.
            for (_, member, outer), (_, _, inner) in zip(
                block.signature.flatten(getattr(self, name)),
                block.signature.flatten(block),
                strict=True,
            ):
                m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
        return m


def build_blocks(
    engine: Engine,
    *,
    requantizer: type = Requantizer,
    replay_buffer: type = ReplayBuffer,
    weight_decoder: type = WeightDecoder,
    fault: str = "",
) -> Build:
    """All blocks, compiled for `engine`; `fault` names what is wrong with a class given."""

    def create() -> Blocks:
        return Blocks(
            {name: requantizer(config) for name, config in REQUANTIZERS.items()}
            | {"replay": replay_buffer(REPLAY_WIDTH, **REPLAY)}
            | {name: weight_decoder(config) for name, config in DECODERS.items()}
        )

    return build(create, key=fault, engine=engine, toplevel="blocks")
