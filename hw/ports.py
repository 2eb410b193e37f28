"""The port list of the array's Verilog, for people."""

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.hdl import Shape
from amaranth.lib import data
from amaranth.lib.wiring import In

from hw.array import Array

MEANINGS = {
    "load": "write of one word of the activation memory",
    "runs": "write of one entry of the run table; accepted between tiles",
    "tiles": "command that computes a tile; accepted between tiles",
    "headers": "announcement of the next filters of a row",
    "masks": "mask words of a row: which weights take a step",
    "codes": "code words of a row (first index) and filter (second): the weights of its steps",
    "residuals": "what is added to the outputs of a row, where a tile says so",
    "outputs": "activations that a row gives",
    "busy": "high while a tile is under way",
    "done": "high for one cycle at the end of a tile",
    "clk": "clock; everything happens at its rising edge",
    "rst": "reset, synchronous, active high",
}
ROLES = {
    "payload": "data",
    "valid": "data is there; stays up, with the data unchanged, until the transfer",
    "ready": "data is taken; a transfer happens in a cycle with valid and ready",
}


@dataclass(frozen=True)
class Port:
    """A port of the Verilog module: `fields` are (name, lowest bit, width, signed)."""

    name: str
    direction: str
    width: int
    meaning: str
    fields: tuple[tuple[str, int, int, bool], ...] = ()


def list_ports(array: Array) -> list[Port]:
    """Every port of the array's module, clock and reset first."""
    ports = [Port(name, "input", 1, MEANINGS[name]) for name in ("clk", "rst")]
    for path, member, _ in array.signature.flatten(array):
        name = "__".join(str(part) for part in path)
        meaning = MEANINGS[str(path[0])]
        if path[-1] in ROLES:
            meaning = f"{meaning}: {ROLES[str(path[-1])]}"
        ports.append(
            Port(
                name=name,
                direction="input" if member.flow == In else "output",
                width=Shape.cast(member.shape).width,
                meaning=meaning,
                fields=tuple(_fields(member.shape)),
            )
        )
    return ports


def _fields(shape, prefix: str = "", offset: int = 0) -> Iterator[tuple[str, int, int, bool]]:
    """The leaves of a layout; of an array only the first two elements and the last."""
    if not isinstance(shape, data.Layout):
        if prefix:
            cast = Shape.cast(shape)
            yield prefix, offset, cast.width, cast.signed
        return
    members = list(shape)
    if isinstance(shape, data.ArrayLayout) and len(members) > 3:
        members = [*members[:2], members[-1]]
    for key, field in members:
        part = f"[{key}]" if isinstance(key, int) else f".{key}" if prefix else str(key)
        yield from _fields(field.shape, prefix + part, offset + field.offset)


def ports_markdown(array: Array) -> str:
    """The port list and the bit fields of every payload as a Markdown document."""
    ports = list_ports(array)
    lines = [
        f"# Ports of `array`, configuration {array.config.name}",
        "",
        "| port | direction | bits | meaning |",
        "|---|---|---|---|",
        *(f"| `{p.name}` | {p.direction} | {p.width} | {p.meaning} |" for p in ports),
        "",
        "## Fields of the payloads",
        "",
        "Of arrays the first two elements and the last are listed.",
        "",
    ]
    described: set[tuple] = set()
    for port in ports:
        if not port.fields or port.fields in described:
            continue
        described.add(port.fields)
        same = [f"`{p.name}`" for p in ports if p.fields == port.fields]
        lines += [f"### {', '.join(same)}", "", "| field | bits | kind |", "|---|---|---|"]
        lines += [
            f"| `{name}` | {_bits(low, width)} | {'signed' if is_signed else 'unsigned'} |"
            for name, low, width, is_signed in port.fields
        ]
        lines.append("")
    return "\n".join(lines)


def _bits(low: int, width: int) -> str:
    if width == 0:
        return "none"
    return f"{low}" if width == 1 else f"{low + width - 1}:{low}"
