"""What can go wrong around a simulation."""


class SimulationError(RuntimeError):
    """A simulation could not be built or run, or did not end; the message says why."""


class MissingToolError(SimulationError):
    """A program that the simulation needs is not installed; the message names it."""
