"""The packages import one way, and only where it is meant to be does anything import torch.

golden <- params <- {rfcn, compiler, hw} <- host <- sim <- boards <- cli
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

ALLOWED = {
    "golden": set(),
    "params": {"golden"},
    "rfcn": {"golden", "params"},
    "compiler": {"golden", "params"},
    "hw": {"golden", "params"},
    "host": {"golden", "params", "compiler"},
    "sim": {"golden", "params", "rfcn", "compiler", "hw", "host"},
    "boards": {"golden", "params", "rfcn", "compiler", "hw", "host", "sim"},
    "cli": {"golden", "params", "rfcn", "compiler", "hw", "host", "sim", "boards"},
}

TORCH = ("rfcn/model/", "rfcn/quantized/", "rfcn/training/", "rfcn/export/")
"""The folders that are of no use without torch; all others load without it."""


def imports(tree: ast.AST) -> Iterator[str]:
    """Top-level packages that the statements under `tree` import from outside their own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def imports_at_load(tree: ast.AST) -> Iterator[str]:
    """What is imported when the module is: everything outside of functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imports_at_load(node)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def test_every_package_has_its_place():
    outside = {"tests", "benchmarks"}
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} - outside <= ALLOWED.keys()


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package):
    refused = (ALLOWED.keys() | {"tests", "benchmarks"}) - ALLOWED[package] - {package}
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(package)
        for name in imports(parse(path))
        if name in refused
    ]
    assert not found


@pytest.mark.parametrize("package", ALLOWED)
def test_the_core_loads_without_torch(package):
    found = [
        path.relative_to(ROOT)
        for path in modules(package)
        if not path.relative_to(ROOT).as_posix().startswith(TORCH)
        and "torch" in imports_at_load(parse(path))
    ]
    assert not found


def test_gateware_does_not_postpone_annotations():
    # It turns Amaranth's data.Struct into 0 bits without a word.
    found = [path for package in ("hw", "boards") for path in modules(package)
             if "__future__" in imports(parse(path))]  # fmt: skip
    assert not found


def test_every_test_folder_is_a_package():
    # Without __init__.py, tests/hw would stand before hw on the import path.
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)


def test_import_readers():
    tree = ast.parse(
        "import a.b, c\nfrom d.e import f\nfrom . import g\n"
        "try:\n    import h\nexcept ImportError:\n    pass\n"
        "class K:\n    def m(self):\n        import torch\n"
    )
    assert set(imports(tree)) == {"a", "c", "d", "h", "torch"}
    assert set(imports_at_load(tree)) == {"a", "c", "d", "h"}
