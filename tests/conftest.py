"""Settings that all tests share."""

from hypothesis import settings

# No example is judged by the clock, and a failure prints what reproduces it on another machine.
settings.register_profile("zeroshift", deadline=None, print_blob=True)
settings.load_profile("zeroshift")
