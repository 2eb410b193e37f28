"""The compiler's refusal."""


class FitError(ValueError):
    """A layer does not fit the array; the message says why and what would fit."""
