from params.registers import COUNTERS, OFFSETS, REGISTER_BYTES, REGISTERS, Access


def test_every_register_has_its_place():
    offsets = [register.offset for register in REGISTERS]
    assert len(set(offsets)) == len(OFFSETS) == len(REGISTERS)
    assert offsets == sorted(offsets)
    assert not any(offset % REGISTER_BYTES for offset in offsets)


def test_fields_do_not_overlap():
    for register in REGISTERS:
        bits = [b for field in register.fields for b in range(field.low, field.low + field.width)]
        assert len(set(bits)) == len(bits), register.name
        assert max(bits) < 8 * REGISTER_BYTES, register.name


def test_constants_fit():
    for register in REGISTERS:
        for field in register.fields:
            assert field.value >> field.width == 0
            assert field.access == Access.CONSTANT or not field.value


def test_every_counter_has_two_halves():
    for name in COUNTERS:
        assert OFFSETS[f"{name}_HIGH"] == OFFSETS[name] + REGISTER_BYTES
