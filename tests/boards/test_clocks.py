"""Dividers of PLLs."""

import pytest

from boards.catalogue import BOARDS
from boards.clocks import (
    ECP5_PLL,
    SERIES7_PLL,
    ClockError,
    SameClock,
    pll_dividers,
)


@pytest.mark.parametrize("limits", [ECP5_PLL, SERIES7_PLL], ids=["ecp5", "series7"])
@pytest.mark.parametrize(("given", "wanted"), [(25, 100), (25, 80), (100, 80), (48, 96), (100, 75)])
def test_dividers_make_the_clock_within_the_limits(limits, given, wanted):
    found = pll_dividers(limits, given, wanted)
    detector = given / found.reference
    oscillator = wanted * found.output
    assert oscillator / found.feedback == pytest.approx(detector)
    assert limits.detector[0] <= detector <= limits.detector[1]
    assert limits.oscillator[0] <= oscillator <= limits.oscillator[1]
    assert found.reference <= limits.most_reference
    assert found.feedback <= limits.most_feedback
    assert found.output <= limits.most_output


def test_known_dividers():
    # An oscillator of 600 MHz for the ULX3S's usual 25 to 100 MHz.
    found = pll_dividers(ECP5_PLL, 25, 100)
    assert (found.reference, found.feedback, found.output) == (1, 24, 6)


@pytest.mark.parametrize(("given", "wanted", "nearest"), [(25, 99, "98.4375"), (25, 81.3, "81.25")])
def test_a_clock_that_cannot_be_made_is_refused_with_one_that_can(given, wanted, nearest):
    with pytest.raises(ClockError, match=f"no {wanted:g} MHz from {given:g} MHz; {nearest} MHz"):
        pll_dividers(ECP5_PLL, given, wanted)


@pytest.mark.parametrize("wanted", [1, 5000])
def test_a_clock_far_off_is_refused(wanted):
    with pytest.raises(ClockError, match=f"the PLL makes no {wanted} MHz from 25 MHz$"):
        pll_dividers(ECP5_PLL, 25, wanted)


def test_a_board_without_a_pll_has_one_clock():
    with pytest.raises(
        ClockError, match="13 MHz, but this board's system runs with the board's 12"
    ):
        SameClock.check(12, 13)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_the_definitions_of_the_boards_have_their_clocks(board):
    assert board.platform().default_clk_frequency == 1e6 * board.input_mhz
