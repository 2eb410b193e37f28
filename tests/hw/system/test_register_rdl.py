"""A compiler of SystemRDL finds in the exported registers what the table of registers says."""

import pytest
from systemrdl import RDLCompiler
from systemrdl.messages import MessagePrinter
from systemrdl.rdltypes import AccessType, OnWriteType, PrecedenceType

from hw.system.register_map import register_map
from hw.system.register_rdl import registers_rdl
from params import preset
from params.commands import Fault
from params.registers import REGISTERS, Access
from params.system import SystemConfig

CONFIG = SystemConfig(array=preset("tiny"))
ADDRESS_BITS = (32, 36, 64)


class Messages(MessagePrinter):
    """What the compiler says."""

    def __init__(self):
        self.said = []

    def print_message(self, severity, text, src_ref):
        self.said.append(f"{severity}: {text}")


def compiled(text, folder):
    """The address map of a text, read without a message."""
    path = folder / "registers.rdl"
    path.write_text(text)
    messages = Messages()
    compiler = RDLCompiler(message_printer=messages)
    compiler.compile_file(str(path))
    top = compiler.elaborate().top
    assert not messages.said
    return top


@pytest.fixture(scope="module", params=ADDRESS_BITS)
def read(request, tmp_path_factory):
    """Bits of address, and the address map of a system's registers."""
    text = registers_rdl(register_map(CONFIG, address_bits=request.param))
    return request.param, compiled(text, tmp_path_factory.mktemp("rdl"))


def test_registers_lie_where_the_table_has_them(read):
    _, top = read
    found = [(r.inst_name, r.absolute_address, r.get_property("regwidth")) for r in top.registers()]
    assert found == [(r.name, r.offset, 32) for r in REGISTERS]


def test_fields_have_the_bits_of_the_table(read):
    address_bits, top = read
    for register, node in zip(REGISTERS, top.registers(), strict=True):
        expected = {field.name: (field.low, field.width) for field in register.fields}
        if register.name == "WINDOW_BASE_HIGH" and address_bits > 32:
            expected["base"] = (0, address_bits - 32)
        assert {f.inst_name: (f.low, f.width) for f in node.fields()} == expected


def test_fields_behave_as_in_the_table(read):
    address_bits, top = read
    for register in REGISTERS:
        for field in register.fields:
            node = top.get_child_by_name(register.name).get_child_by_name(field.name)
            absent = register.name == "WINDOW_BASE_HIGH" and address_bits == 32
            assert node.is_sw_readable == (field.access != Access.PULSE)
            assert node.is_sw_writable == (field.access.writable and not absent)
            assert node.get_property("singlepulse") == (field.access == Access.PULSE)
            clears = OnWriteType.woclr if field.access == Access.EVENT else None
            assert node.get_property("onwrite") == clears
            assert (node.get_property("precedence") == PrecedenceType.hw) == (clears is not None)
            if field.access == Access.CONSTANT:
                assert node.get_property("hw") == AccessType.na
                assert node.get_property("reset") == field.value


def test_the_digest_is_that_of_the_system(read):
    _, top = read
    (digest,) = top.get_child_by_name("CONFIG").fields()
    assert digest.get_property("reset") == CONFIG.digest


def test_a_run_locks_what_it_locks(read):
    address_bits, top = read
    busy = top.get_child_by_name("STATUS").get_child_by_name("busy")
    expected = {
        (register.name, field.name)
        for register in REGISTERS
        for field in register.fields
        if register.locked or field.access == Access.PULSE
    }
    if address_bits == 32:
        expected.remove(("WINDOW_BASE_HIGH", "base"))
    locked = set()
    for register in top.registers():
        for field in register.fields():
            if enable := field.get_property("swwel"):
                assert enable == busy
                locked.add((register.inst_name, field.inst_name))
    assert locked == expected


def test_events_interrupt_when_enabled(read):
    _, top = read
    enable = top.get_child_by_name("CONTROL").get_child_by_name("interrupt_enable")
    events = [f for r in top.registers() for f in r.fields() if f.get_property("intr")]
    assert [event.inst_name for event in events] == ["done", "error"]
    assert all(event.get_property("enable") == enable for event in events)


def test_codes_of_faults_have_names(read):
    _, top = read
    (code,) = top.get_child_by_name("FAULT").fields()
    assert {one.name: one.value for one in code.get_property("encode")} == {
        fault.name: fault.value for fault in Fault
    }


def test_texts_keep_their_quotes(tmp_path):
    registers = register_map(CONFIG, address_bits=32)
    registers["children"][0]["children"][0]["desc"] = 'a "word" and a \\ \\" more'
    top = compiled(registers_rdl(registers), tmp_path)
    field = top.registers()[0].fields()[0]
    assert field.get_property("desc") == 'a "word" and a \\ \\" more'
