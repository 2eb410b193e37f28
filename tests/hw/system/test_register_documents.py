"""The register map and the documents made from it hold every register and nothing else."""

import re
import shutil
import subprocess

import pytest

from hw.system.register_documents import ACCESSES, access, registers_header, registers_markdown
from hw.system.register_map import register_map
from params import preset
from params.commands import FAULT_MEANINGS, Fault
from params.registers import COUNTERS, REGISTERS, Access
from params.system import SystemConfig

CONFIG = SystemConfig(array=preset("tiny"))
MAP = register_map(CONFIG, address_bits=36)


def test_every_field_of_the_table_is_in_the_map():
    assert [child["name"] for child in MAP["children"]] == [r.name for r in REGISTERS]
    for register, child in zip(REGISTERS, MAP["children"], strict=True):
        assert child["address_offset"] == register.offset
        assert child["locked"] == register.locked
        found = {field["name"]: field for field in child["children"]}
        assert found.keys() == {field.name for field in register.fields}
        for field in register.fields:
            one = found[field.name]
            assert one["lsb"] == field.low
            assert ("w" in one["sw"]) == field.access.writable
            assert one.get("singlepulse", False) == (field.access == Access.PULSE)
            assert ("onwrite" in one) == (field.access == Access.EVENT)
            if register.name != "WINDOW_BASE_HIGH":
                assert one["msb"] - one["lsb"] + 1 == field.width


@pytest.mark.parametrize(("bits", "width", "sw"), [(32, 32, "r"), (33, 1, "rw"), (64, 32, "rw")])
def test_the_window_has_the_addresses_of_the_bus(bits, width, sw):
    registers = register_map(CONFIG, address_bits=bits)["children"]
    (field,) = next(r for r in registers if r["name"] == "WINDOW_BASE_HIGH")["children"]
    assert (field["msb"] + 1, field["sw"]) == (width, sw)


def test_every_fault_has_a_meaning():
    assert FAULT_MEANINGS.keys() == set(Fault)
    assert [(f["name"], f["code"]) for f in MAP["faults"]] == [(f.name, f.value) for f in Fault]


def test_the_markdown_holds_all():
    text = registers_markdown(MAP, "top")
    rows = re.findall(r"^\|.*\|$", text, re.MULTILINE)
    for register in REGISTERS:
        assert sum(f"`{register.offset:#04x}` | `{register.name}`" in row for row in rows) == 1
        for field in register.fields:
            assert any(f"| `{field.name}` |" in row for row in rows)
    for name in [*COUNTERS, *(fault.name for fault in Fault)]:
        assert f"`{name}`" in text
    accesses = {access(field) for register in MAP["children"] for field in register["children"]}
    assert accesses == ACCESSES.keys()
    # Every row of a table has as many cells as its head.
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        assert len({row.count("|") for row in table.splitlines()}) == 1


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_c_reads_the_header(tmp_path):
    (tmp_path / "registers.h").write_text(registers_header(MAP))
    masks = [
        f"ZEROSHIFT_{r['name']}_{f['name'].upper()}" for r in MAP["children"] for f in r["children"]
    ]
    lines = [f'    printf("{m} %u %u\\n", {m}_MASK, {m}_SHIFT);' for m in masks]
    lines += [
        f'    printf("{r.name} %u 0\\n", ZEROSHIFT_{r.name});' for r in REGISTERS
    ]  # fmt: skip
    body = "\n".join(lines)
    source = '#include <stdio.h>\n#include "registers.h"\n#include "registers.h"\n'
    (tmp_path / "main.c").write_text(f"{source}int main(void) {{\n{body}\n    return 0;\n}}\n")
    command = ["gcc", "-Wall", "-Wextra", "-Werror", "-o", "main", "main.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    said = subprocess.run(["./main"], cwd=tmp_path, check=True, capture_output=True, text=True)
    lines = [line.split() for line in said.stdout.splitlines()]
    values = {name: list(map(int, numbers)) for name, *numbers in lines}
    for register in MAP["children"]:
        assert values[register["name"]][0] == register["address_offset"]
        for field in register["children"]:
            bits = range(field["lsb"], field["msb"] + 1)
            name = f"ZEROSHIFT_{register['name']}_{field['name'].upper()}"
            assert values[name] == [sum(1 << bit for bit in bits), field["lsb"]]
