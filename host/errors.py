"""What can go wrong between host and board."""

from golden.errors import UserError


class LinkError(UserError):
    """A board cannot be reached, or refuses what it is asked; the message says why."""
