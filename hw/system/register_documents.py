"""The register map of a system for people and for C."""

from collections.abc import Iterator

ACCESSES = {
    "ro": "read only; a write has no effect on the field",
    "rw": "read and write",
    "w1": "writing 1 does it once; reads as 0",
    "w1c": "set by the system, cleared by writing 1",
}
"""What the documents call kinds of access."""

RUN = """\
## A run

1. Choose a memory window: as many bytes as the image of `zeroshift compile` needs, from a multiple
   of {alignment} on. Put the image's weights and commands and the input map to their places in it.
2. Make sure that `CONFIG` reads the digest of the image's system, and that `STATUS.busy` is 0.
3. Write the window's address to `WINDOW_BASE` (and `WINDOW_BASE_HIGH`), its size to `WINDOW_SIZE`,
   and the place of the first command in it to `COMMANDS`.
4. Write 1 to `CONTROL.start`, with `CONTROL.interrupt_enable` at the same time if an interrupt is
   wanted.
5. Wait for the interrupt, or until `STATUS.done` is 1. Also a run that ends with a fault is done.
6. If `STATUS.error` is 1, `FAULT` and `PLACE` tell why. Otherwise the output maps are in memory.
7. Write 1 to `STATUS.done` and `STATUS.error` to take the interrupt back. A start does that, too.

A start during a run, a write to a locked register during a run, an access to an offset without a
register and a write to a register all of whose fields are read only are answered with SLVERR and
change nothing.

## Counters

Each has 64 bits in two registers, begins at 0 with a run and stays as it is afterwards. During a
run, read the upper half, the lower, and the upper again, and start over if it has changed.
"""


def registers_markdown(registers: dict, top: str) -> str:
    """A `register_map` as a Markdown document."""
    lines = [
        f"# Registers of `{top}`: {registers['desc']}",
        "",
        f"AXI4-Lite, little-endian, {registers['regwidth']} bits; offsets in bytes. Bits without a "
        "field read as 0 and ignore writes.",
        "",
        "| offset | register | bits | field | access | reset | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    for register in registers["children"]:
        for k, field in enumerate(register["children"]):
            place = " | " if k else f"`{register['address_offset']:#04x}` | `{register['name']}`"
            lock = " (locked during a run)" if register["locked"] else ""
            lines.append(
                f"| {place} | {_bits(field)} | `{field['name']}` | {access(field)} | "
                f"{field['reset']:#x} | {field['desc']}{lock} |"
            )
    lines += ["", "| access | meaning |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in ACCESSES.items()]
    lines += ["", RUN.format(alignment=registers["window_alignment"])]
    lines += ["| counter | counts |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in registers["counters"].items()]
    lines += ["", "## Faults", "", "| code | name | meaning |", "|---|---|---|"]
    lines += [f"| {f['code']} | `{f['name']}` | {f['desc']} |" for f in registers["faults"]]
    return "\n".join([*lines, ""])


def registers_header(registers: dict, prefix: str = "ZEROSHIFT") -> str:
    """A `register_map` as a C header: offsets, masks and shifts of fields, codes of faults."""
    guard = f"{prefix}_REGISTERS_H"
    lines = [f"/* {registers['desc'].capitalize()}. */", f"#ifndef {guard}", f"#define {guard}", ""]
    lines += [f"#define {name} {value}" for name, value in _definitions(registers, prefix)]
    return "\n".join([*lines, "", f"#endif /* {guard} */", ""])


def _definitions(registers: dict, prefix: str) -> Iterator[tuple[str, str]]:
    for register in registers["children"]:
        name = f"{prefix}_{register['name']}"
        yield name, f"{register['address_offset']:#04x}u"
        for field in register["children"]:
            own = f"{name}_{field['name'].upper()}"
            mask = (1 << field["msb"] + 1) - (1 << field["lsb"])
            yield f"{own}_SHIFT", f"{field['lsb']}u"
            yield f"{own}_MASK", f"{mask:#010x}u"
            if field["sw"] == "r" and field["reset"]:
                yield f"{own}_VALUE", f"{field['reset']:#x}u"
    for fault in registers["faults"]:
        yield f"{prefix}_FAULT_IS_{fault['name']}", f"{fault['code']}u"


def access(field: dict) -> str:
    """What documents call the access of a field."""
    if field.get("singlepulse"):
        return "w1"
    if field.get("onwrite") == "woclr":
        return "w1c"
    return {"r": "ro", "rw": "rw"}[field["sw"]]


def _bits(field: dict) -> str:
    low, high = field["lsb"], field["msb"]
    return f"{low}" if low == high else f"{high}:{low}"
