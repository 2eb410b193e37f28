"""Blocks with a deliberate fault, to show that a proof or a bench can fail."""

import inspect


def mutant(block: type, old: str, new: str) -> type:
    """The class `block` with the text `old`, which its source holds exactly once, made `new`."""
    source = inspect.getsource(block)
    assert source.count(old) == 1, f"{block.__name__} has {source.count(old)} times the text {old}"
    scope = dict(vars(inspect.getmodule(block)))
    exec(compile(source.replace(old, new), f"<mutant of {block.__name__}>", "exec"), scope)
    return scope[block.__name__]
