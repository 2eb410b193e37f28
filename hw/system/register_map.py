"""The registers of a system as data, in the terms of SystemRDL 2.0."""

from params.commands import FAULT_MEANINGS
from params.registers import (
    COUNTERS,
    REGISTER_BYTES,
    REGISTERS,
    VERSION,
    WINDOW_ALIGNMENT_BITS,
    Access,
    Field,
    Register,
)
from params.system import SystemConfig

PROPERTIES: dict[Access, dict] = {
    Access.CONSTANT: {"sw": "r", "hw": "na"},
    Access.STATUS: {"sw": "r", "hw": "w"},
    Access.STORED: {"sw": "rw", "hw": "r"},
    Access.PULSE: {"sw": "w", "hw": "r", "singlepulse": True},
    Access.EVENT: {
        "sw": "rw",
        "hw": "rw",
        "onwrite": "woclr",
        "hwset": True,
        "hwclr": True,
        "precedence": "hw",
    },
}
"""What SystemRDL calls each kind of field. An event in the cycle in which it is cleared is kept."""


def register_map(config: SystemConfig, *, address_bits: int) -> dict:
    """The registers of a system as an address map of registers of fields, for JSON.

    Parameters
    ----------
    config : of the system.
    address_bits : of its memory bus.

    Returns
    -------
    Components with `type`, `name`, `desc` and `children`, and properties as SystemRDL names them;
    beyond it, `locked` says that a write during a run is refused, and `faults` lists what the
    register FAULT may hold. A `reset` is what is read before the first run.
    """
    return {
        "type": "addrmap",
        "name": "zeroshift",
        "desc": f"registers of a system with the array {config.array.name}",
        "version": VERSION,
        "regwidth": 8 * REGISTER_BYTES,
        "accesswidth": 8 * REGISTER_BYTES,
        "bigendian": False,
        "window_alignment": 1 << WINDOW_ALIGNMENT_BITS,
        "children": [_register(register, config, address_bits) for register in REGISTERS],
        "counters": dict(COUNTERS),
        "faults": [
            {"name": fault.name, "code": fault.value, "desc": meaning}
            for fault, meaning in FAULT_MEANINGS.items()
        ],
    }


def _register(register: Register, config: SystemConfig, address_bits: int) -> dict:
    return {
        "type": "reg",
        "name": register.name,
        "address_offset": register.offset,
        "regwidth": 8 * REGISTER_BYTES,
        "locked": register.locked,
        "children": [
            _field(register, field, config, address_bits)
            for field in sorted(register.fields, key=lambda field: field.low)
        ],
    }


def _field(register: Register, field: Field, config: SystemConfig, address_bits: int) -> dict:
    properties, width, meaning = PROPERTIES[field.access], field.width, field.meaning
    if register.name == "CONFIG":
        properties = PROPERTIES[Access.CONSTANT]
    if register.name == "WINDOW_BASE_HIGH":
        if address_bits == 8 * REGISTER_BYTES:
            properties = PROPERTIES[Access.CONSTANT]
            meaning = f"takes any write and stays zero: the bus has {address_bits} bits of address"
        else:
            width = address_bits - 8 * REGISTER_BYTES
    return {
        "type": "field",
        "name": field.name,
        "desc": meaning,
        "lsb": field.low,
        "msb": field.low + width - 1,
        **properties,
        "reset": config.digest if register.name == "CONFIG" else field.value,
    }
