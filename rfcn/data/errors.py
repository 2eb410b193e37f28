"""Faults of data sets and images."""

from golden.errors import UserError


class DatasetError(UserError):
    """A data set or image that cannot be used; the message names the file and what to do."""
