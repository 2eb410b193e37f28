"""The root of all faults that a user can cause."""


class UserError(ValueError):
    """Input that cannot be used; the message is one sentence that says why and what to do."""
