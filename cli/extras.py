"""What the base installation leaves out."""

from importlib.util import find_spec

from cli.console import UsageError


def require_torch(command: str) -> None:
    """Check that torch is installed before a command imports what needs it.

    Raises
    ------
    UsageError : it is not.
    """
    if find_spec("torch") is None:
        raise UsageError(f"zeroshift {command} needs torch: pip install 'zeroshift[torch]'")


def set_threads(threads: int) -> None:
    """Let torch compute with so many threads on the CPU.

    Raises
    ------
    UsageError : fewer than one.
    """
    import torch

    if threads < 1:
        raise UsageError(f"--threads is {threads}, but must be at least 1")
    torch.set_num_threads(threads)
