"""The processing elements of a lane group."""

from amaranth.hdl import signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.payloads import control
from params import ArrayConfig


class Elements(wiring.Component):
    """Multiplies and accumulates the activations of a lane group, and drains the sums.

    A subclass for each arithmetic. A step accumulates, in every lane, the activation times the
    weights in `control`; a cycle without `enable` adds nothing. After a step with `last`, of the
    last turn if filters take turns, the outlets give the sums, in every cycle those of one
    lane per outlet: outlet c carries the lanes c * lanes_per_outlet upwards, lane by lane, filter 0
    first. Passes end far enough apart for that, see `hw.drain`.

    Latency `element_latency` cycles from `x` to an accumulator, and two more to the outlets.

    Members
    -------
    x : In(array of activations); control : In(payloads.control), of the same cycle.
    clear : In, as `control.last`, and high for the first cycles after reset.
    signed : In, sign flag of integer activations, constant during a tile.
    outlets : Out(array of accumulators), see `hw.outlets`.
    captured : Out, the outlets hold a filter's first sums in the next cycle.
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        super().__init__(
            {
                "x": In(data.ArrayLayout(config.activation_bits, config.lanes_per_group)),
                "control": In(control(config)),
                "clear": In(1),
                "signed": In(1),
                "outlets": Out(
                    data.ArrayLayout(signed(config.accumulator_bits), config.outlets_per_group)
                ),
                "captured": Out(1),
            }
        )
