# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
"""The clock of a board's system, made from the board's own."""

from dataclasses import dataclass

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from golden.errors import UserError

LOCKED_CYCLES = 256
"""Cycles of the board's clock for which a PLL is locked before its clock is let through."""


class ClockError(UserError):
    """A clock that cannot be made; the message says which one can."""


@dataclass(frozen=True, kw_only=True)
class PllRange:
    """What a PLL can do, clocks in MHz: of its oscillator and of its phase detector."""

    oscillator: tuple[float, float]
    detector: tuple[float, float]
    most_reference: int
    most_feedback: int
    most_output: int


@dataclass(frozen=True, kw_only=True)
class PllDividers:
    """Input clock divided by `reference` is oscillator divided by `feedback` at the detector.

    The clock that is made is the oscillator's divided by `output`.
    """

    reference: int
    feedback: int
    output: int


ECP5_PLL = PllRange(
    oscillator=(400, 800), detector=(10, 400), most_reference=128, most_feedback=128,
    most_output=128,
)  # fmt: skip
"""EHXPLLL (Lattice FPGA-DS-02012, table 3.20)."""

SERIES7_PLL = PllRange(
    oscillator=(800, 1600), detector=(19, 450), most_reference=56, most_feedback=64,
    most_output=128,
)  # fmt: skip
"""PLLE2 of speed grade -1 (AMD DS181, table 38)."""


def pll_dividers(limits: PllRange, input_mhz: float, output_mhz: float) -> PllDividers:
    """The dividers that make `output_mhz`; of several, those with the fastest phase detector.

    Raises
    ------
    ClockError : no dividers do so to a millionth.
    """
    nearest = 0.0
    low, high = limits.oscillator
    for reference in range(1, limits.most_reference + 1):
        detector = input_mhz / reference
        if not limits.detector[0] <= detector <= limits.detector[1]:
            continue
        # In the middle of the oscillator's range first.
        outputs = sorted(
            (n for n in range(1, limits.most_output + 1) if low <= output_mhz * n <= high),
            key=lambda n: abs(output_mhz * n - (low + high) / 2),
        )
        for output in outputs:
            feedback = round(output_mhz / detector * output)
            if not 1 <= feedback <= limits.most_feedback:
                continue
            made = detector * feedback / output
            if abs(made - output_mhz) <= 1e-6 * output_mhz:
                return PllDividers(reference=reference, feedback=feedback, output=output)
            if abs(made - output_mhz) < abs(nearest - output_mhz):
                nearest = made
    other = f"; {nearest:.6g} MHz can be made" if nearest else ""
    raise ClockError(f"the PLL makes no {output_mhz:g} MHz from {input_mhz:g} MHz{other}")


class _Clock(wiring.Component):
    """A clock from another, which stands still until it is right.

    Flip-flops keep the values that configuration gave them until the first edge, so that what the
    clock drives needs no reset.

    Parameters
    ----------
    input_mhz, output_mhz : of the clocks.

    Members
    -------
    i : In, o : Out, the clocks.

    Raises
    ------
    ClockError : the clock cannot be made.
    """

    @staticmethod
    def check(input_mhz: float, output_mhz: float) -> PllDividers | None:
        """Make sure that the clock can be made; the dividers of the PLL, if there is one.

        Raises
        ------
        ClockError : it cannot.
        """
        raise NotImplementedError

    def __init__(self, input_mhz: float, output_mhz: float):
        self._input_mhz = input_mhz
        self._dividers = self.check(input_mhz, output_mhz)
        super().__init__({"i": In(1), "o": Out(1)})

    def _enable(self, m, locked):
        """When the clock is let through: it has been right for a while."""
        start = ClockDomain("start", reset_less=True, local=True)
        m.domains += start
        m.d.comb += ClockSignal("start").eq(self.i)
        stable = Signal()
        m.submodules.locked = FFSynchronizer(locked, stable, o_domain="start")
        count = Signal(range(LOCKED_CYCLES))
        enable = Signal()
        with m.If(~stable):
            m.d.start += count.eq(0)
        with m.Elif(~enable):
            m.d.start += [count.eq(count + 1), enable.eq(count == LOCKED_CYCLES - 1)]
        return enable


class Ecp5Clock(_Clock):
    """With the PLL of an ECP5."""

    @staticmethod
    def check(input_mhz: float, output_mhz: float) -> PllDividers:
        return pll_dividers(ECP5_PLL, input_mhz, output_mhz)

    def elaborate(self, platform):
        m = Module()
        made = Signal()
        fed_back = Signal()
        locked = Signal()
        dividers = self._dividers
        # One output feeds the oscillator back and nothing else, so that the other has a divider of
        # its own. The attributes are those that Lattice's own tools give a PLL for such clocks.
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA",
            p_OUTDIVIDER_MUXB="DIVB",
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=dividers.reference,
            p_CLKFB_DIV=1,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=dividers.feedback,
            p_CLKOP_CPHASE=dividers.feedback - 1,
            p_CLKOP_FPHASE=0,
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_DIV=dividers.output,
            p_CLKOS_CPHASE=dividers.output - 1,
            p_CLKOS_FPHASE=0,
            i_CLKI=self.i,
            i_CLKFB=fed_back,
            i_RST=Const(0),
            i_STDBY=Const(0),
            i_PHASESEL0=Const(0),
            i_PHASESEL1=Const(0),
            i_PHASEDIR=Const(1),
            i_PHASESTEP=Const(1),
            i_PHASELOADREG=Const(1),
            i_PLLWAKESYNC=Const(0),
            i_ENCLKOP=Const(0),
            i_ENCLKOS=Const(0),
            o_CLKOP=fed_back,
            o_CLKOS=made,
            o_LOCK=locked,
        )
        m.submodules.gate = Instance(
            "DCCA", i_CLKI=made, i_CE=self._enable(m, locked), o_CLKO=self.o
        )
        return m


class Series7Clock(_Clock):
    """With a PLL of Xilinx's 7 series."""

    @staticmethod
    def check(input_mhz: float, output_mhz: float) -> PllDividers:
        return pll_dividers(SERIES7_PLL, input_mhz, output_mhz)

    def elaborate(self, platform):
        m = Module()
        made = Signal()
        locked = Signal()
        feedback = Signal()
        dividers = self._dividers
        m.submodules.pll = Instance(
            "PLLE2_BASE",
            p_CLKIN1_PERIOD=1000 / self._input_mhz,
            p_DIVCLK_DIVIDE=dividers.reference,
            p_CLKFBOUT_MULT=dividers.feedback,
            p_CLKOUT0_DIVIDE=dividers.output,
            i_CLKIN1=self.i,
            i_CLKFBIN=feedback,
            i_RST=Const(0),
            i_PWRDWN=Const(0),
            o_CLKFBOUT=feedback,
            o_CLKOUT0=made,
            o_LOCKED=locked,
        )
        m.submodules.gate = Instance("BUFGCE", i_I=made, i_CE=self._enable(m, locked), o_O=self.o)
        return m


class SameClock(_Clock):
    """The board's own clock."""

    @staticmethod
    def check(input_mhz: float, output_mhz: float) -> None:
        if input_mhz != output_mhz:
            raise ClockError(
                f"the clock is {output_mhz:g} MHz, but this board's system runs with the board's "
                f"{input_mhz:g} MHz"
            )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.i)
        return m
