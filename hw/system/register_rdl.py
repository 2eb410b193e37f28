"""The register map of a system in SystemRDL 2.0, for generators of drivers and documents."""

from collections.abc import Iterator

BUSY = "STATUS.busy"
"""The field that refuses writes to what is locked during a run."""

INTERRUPT_ENABLE = "CONTROL.interrupt_enable"
"""The field that enables the interrupt."""

KEYS = ("sw", "hw", "onwrite", "singlepulse", "hwset", "hwclr", "precedence", "reset")
"""Properties of a field that SystemRDL takes as a `register_map` has them."""


def registers_rdl(registers: dict) -> str:
    """A `register_map` as SystemRDL 2.0 (Accellera, 2018) with one address map.

    Beyond the properties of its fields it has

    - `swwel`: STATUS.busy refuses writes to locked registers, and a start,
    - `intr` and `enable`: what the port `interrupt` is the sum of, and what enables it,
    - `encode`: the codes of faults.

    SystemRDL has no word for answers with SLVERR; `desc` of the map tells them.
    """
    lines = [
        "enum fault_e {",
        *(
            f"    {fault['name']} = 8'd{fault['code']} {{ desc = {_text(fault['desc'])}; }};"
            for fault in registers["faults"]
        ),
        "};",
        "",
        f"addrmap {registers['name']} {{",
        f"    name = {_text(registers['name'])};",
        f"    desc = {_text(_description(registers))};",
        f"    default regwidth = {registers['regwidth']};",
        f"    default accesswidth = {registers['accesswidth']};",
        "    littleendian;",
        "    lsb0;",
        "",
    ]
    for register in registers["children"]:
        lines += ["    reg {"]
        for field in register["children"]:
            lines += [f"        {line}" for line in _field(register, field)]
        lines += [f"    }} {register['name']} @ {register['address_offset']:#x};", ""]
    lines += [f"    {line}" for line in _assignments(registers)]
    return "\n".join([*lines, "};", ""])


def _description(registers: dict) -> str:
    return (
        f"{registers['desc']}, version {registers['version']}. A write to a locked register or a "
        "start during a run, an access to an offset without a register and a write to a register "
        "all of whose fields are read only are answered with SLVERR and change nothing."
    )


def _field(register: dict, field: dict) -> list[str]:
    lines = ["field {", f"    desc = {_text(field['desc'])};"]
    lines += [f"    {key} = {_value(field[key])};" for key in KEYS if key in field]
    if register["name"] == "FAULT":
        lines += ["    encode = fault_e;"]
    if _interrupts(field):
        lines += ["    intr;"]
    return [*lines, f"}} {field['name']}[{field['msb']}:{field['lsb']}];"]


def _assignments(registers: dict) -> Iterator[str]:
    """Properties that refer to other fields."""
    for register in registers["children"]:
        for field in register["children"]:
            place = f"{register['name']}.{field['name']}"
            if "w" in field["sw"] and (register["locked"] or field.get("singlepulse")):
                yield f"{place}->swwel = {BUSY};"
            if _interrupts(field):
                yield f"{place}->enable = {INTERRUPT_ENABLE};"


def _interrupts(field: dict) -> bool:
    """Whether the field is an event; all events interrupt."""
    return field.get("onwrite") == "woclr"


def _value(value: bool | int | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:#x}" if isinstance(value, int) else value


def _text(text: str) -> str:
    """A string of SystemRDL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
