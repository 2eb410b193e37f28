"""The first signal waits, the second does not."""

import os
import signal

import pytest

from rfcn.training.interrupts import SIGNALS, postponed_interrupts


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_remembered(number):
    before = signal.getsignal(number)
    with postponed_interrupts() as interruption:
        assert not interruption.asked
        os.kill(os.getpid(), number)
        assert interruption.asked
    assert signal.getsignal(number) == before


def interrupt_twice():
    with postponed_interrupts():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_a_second_signal_is_obeyed():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()
    assert signal.getsignal(signal.SIGINT) == before
