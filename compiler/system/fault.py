"""The end of a run that goes wrong."""

from params.commands import Fault


class SystemFaultError(Exception):
    """A run that ended early.

    Parameters
    ----------
    fault : what hardware would report.
    message : where and what, one sentence.
    """

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(f"{fault.name}: {message}")
        self.fault = fault
