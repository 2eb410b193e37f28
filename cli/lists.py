"""Lists in options, separated by commas."""

from cli.console import UsageError


def parts(text: str, option: str) -> list[str]:
    """The parts of a list, each once."""
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    if not all(names):
        raise UsageError(f"{option} is {text!r}, but must be a list separated by commas")
    return names


def numbers(text: str, option: str) -> list[int]:
    """Whole numbers of a list, each once."""
    return [_number(part, option) for part in parts(text, option)]


def positives(text: str, option: str) -> list[float]:
    """Positive numbers of a list, each once."""
    return [_positive(part, option) for part in parts(text, option)]


def _number(text: str, option: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise UsageError(f"{option} holds {text!r}, but must be whole numbers such as 2,3,4")
    return int(text)


def _positive(text: str, option: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise UsageError(f"{option} holds {text!r}, but must be positive numbers such as 2,8")
    return value
