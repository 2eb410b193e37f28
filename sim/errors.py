"""What can go wrong around a simulation."""

from golden.errors import UserError


class SimulationError(UserError):
    """A simulation could not be built or run, or did not end; the message says why."""


class MissingToolError(SimulationError):
    """A program or library that the simulation needs is not installed; the message names it."""
