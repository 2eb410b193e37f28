"""The compiler's refusal."""

from golden.errors import UserError


class FitError(UserError):
    """A layer does not fit the array; the message says why and what would fit."""
