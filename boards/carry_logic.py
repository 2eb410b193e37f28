"""Moves logic in front of ECP5 carry chains into the chains' own lookup tables.

A half of a carry cell CCU2C has a table of four inputs. The synthesis tool puts an adder of two
bits there and leaves the rest empty, with what makes the bits (a choice, a mask, a product of
two bits) in lookup tables of its own.
"""

from collections import Counter
from itertools import combinations, permutations, product

PINS = "ABCD"
TABLE_BITS = 16


def pack_carry_logic(module: dict) -> int:
    """Pack lookup tables into the carry cells of a synthesized module, changed in place.

    A half's table gives `propagate` of all four pins, and with C and D low, that of A and B, the
    carry where it does not propagate. A lookup table that only this half reads goes in if at most
    four inputs remain, on pins where both can be had from one table.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.

    Returns
    -------
    Lookup tables packed, which are removed.
    """
    cells = module["cells"]
    tables, readers = {}, Counter()
    for name, cell in cells.items():
        if cell["type"] == "LUT4":
            tables[cell["connections"]["Z"][0]] = name
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] != "output":
                readers.update(bits)
    for port in module["ports"].values():
        if port["direction"] == "output":
            readers.update(port["bits"])

    packed = 0
    for cell in [cell for cell in cells.values() if cell["type"] == "CCU2C"]:
        for half in "01":
            if cell["parameters"].get(f"INJECT1_{half}", "YES") == "NO":
                while _pack_half(cell, half, cells, tables, readers):
                    packed += 1
    return packed


def _pack_half(cell: dict, half: str, cells: dict, tables: dict, readers: Counter) -> bool:
    """Move one or, where none fits alone, more tables into a half; whether any did."""
    wires = cell["connections"]
    pins = [wires[f"{pin}{half}"][0] for pin in PINS]
    candidates = [
        bit for bit in dict.fromkeys(pins) if bit in tables and readers[bit] == pins.count(bit)
    ]
    for count in range(1, len(candidates) + 1):
        for chosen in combinations(candidates, count):
            inside = {bit: cells[tables[bit]] for bit in chosen}
            found = _realise(pins, int(cell["parameters"][f"INIT{half}"], 2), inside)
            if found is None:
                continue
            for table in inside.values():
                readers.subtract(table["connections"][pin][0] for pin in PINS)
            readers.subtract(pins)
            pins, init = found
            readers.update(pins)
            for pin, bit in zip(PINS, pins, strict=True):
                wires[f"{pin}{half}"] = [bit]
            cell["parameters"][f"INIT{half}"] = f"{init:0{TABLE_BITS}b}"
            for bit in chosen:
                del cells[tables.pop(bit)]
            return True
    return False


def _realise(pins: list, init: int, inside: dict[int, dict]) -> tuple[list, int] | None:
    """Pins and table of a half that takes in the lookup tables `inside`, by what they drive."""
    inner = [table["connections"][pin][0] for table in inside.values() for pin in PINS]
    outer = [bit for bit in pins if bit not in inside]
    inputs = [bit for bit in dict.fromkeys(outer + inner) if isinstance(bit, int)]
    if len(inputs) > len(PINS):
        return None

    behaviour = []
    for values in product((0, 1), repeat=len(inputs)):
        known: dict[int, int] = dict(zip(inputs, values, strict=True))
        for bit, table in inside.items():
            connections = table["connections"]
            levels = [_level(known, connections[pin][0]) for pin in PINS]
            known[bit] = int(table["parameters"]["INIT"], 2) >> _index(levels) & 1
        levels = [_level(known, bit) for bit in pins]
        propagate = init >> _index(levels) & 1
        carry = init >> _index([*levels[:2], 0, 0]) & 1
        behaviour.append((values, propagate, carry))

    for places in permutations(range(len(PINS)), len(inputs)):
        # Free pins: C or D high keeps the propagate table off the carry's quarter.
        levels = [0, 0, 1, 1]
        entries: dict[int, int] = {}
        for values, propagate, carry in behaviour:
            for place, value in zip(places, values, strict=True):
                levels[place] = value
            wanted = [(_index(levels), propagate)]
            if not propagate:
                wanted.append((_index([*levels[:2], 0, 0]), carry))
            if any(entries.setdefault(index, value) != value for index, value in wanted):
                break
        else:
            found: list = ["0", "0", "1", "1"]
            for place, bit in zip(places, inputs, strict=True):
                found[place] = bit
            return found, sum(value << index for index, value in entries.items())
    return None


def _level(known: dict, bit) -> int:
    return known[bit] if isinstance(bit, int) else int(bit == "1")


def _index(levels: list[int]) -> int:
    return sum(level << place for place, level in enumerate(levels))
