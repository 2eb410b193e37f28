"""A board in software: registers by their table, runs by the interpreter of commands."""

import numpy as np

from compiler.system.fault import SystemFaultError
from compiler.system.image import SystemImage
from compiler.system.interpreter import run_in_order
from compiler.system.map_place import to_raw
from golden.network import IntegerNetwork
from host.exchange import Statistics
from params.link import Identity
from params.registers import IDENTIFIER, OFFSETS, VERSION

CYCLES = 12345


class EmulatedBoard:
    """Runs the commands of `image`, wherever they were written; a run ends at once."""

    def __init__(self, image: SystemImage, *, memory: int = 1 << 20):
        self.statistics = Statistics()
        self.identity = Identity(
            requests=4, payload=256, bus=image.config.bus_bytes, clock=25_000_000, memory=memory
        )
        self.memory = bytearray(b"\xa5" * memory)
        self.image = image
        self.written = 0
        self.reset()

    def reset(self) -> None:
        self.registers = dict.fromkeys(OFFSETS, 0)
        self.registers["ID"] = IDENTIFIER << 16 | VERSION
        self.registers["CONFIG"] = self.image.config.digest

    def read_memory(self, address, size, *, progress=None):
        self._tell(progress, size)
        return bytes(self.memory[address : address + size])

    def write_memory(self, address, data, *, progress=None):
        assert address + len(data) <= len(self.memory)
        self.memory[address : address + len(data)] = data
        self.written += len(data)
        self._tell(progress, len(data))

    def read_register(self, offset):
        return self.registers[self._name(offset)]

    def write_register(self, offset, value):
        name = self._name(offset)
        if name != "CONTROL":
            self.registers[name] = value
        elif value & 1:
            self._run()

    def _run(self):
        window = bytearray(self.memory[: self.registers["WINDOW_SIZE"]])
        self.registers |= {"STATUS": 0b010, "FAULT": 0, "PLACE": 0, "CYCLES": CYCLES}
        self.registers["CYCLES_HIGH"] = 1
        try:
            self.compute(window)
        except SystemFaultError as failure:
            self.registers |= {"STATUS": 0b110, "FAULT": failure.fault.value, "PLACE": 3}
        self.memory[: len(window)] = window

    def compute(self, window):
        run_in_order(self.image, window)

    def _name(self, offset):
        return next(name for name, place in OFFSETS.items() if place == offset)

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def _tell(self, progress, size):
        if progress is not None:
            for done in range(0, size + 1, max(1, size // 3)):
                progress(done, size)


class GoldenBoard(EmulatedBoard):
    """Computes by the golden model, which is faster than its commands."""

    def __init__(self, image: SystemImage, network: IntegerNetwork, *, memory: int):
        super().__init__(image, memory=memory)
        self.network = network

    def compute(self, window):
        (name,) = self.image.inputs
        maps = self.network.run(self.image.read_map(window, name).astype(np.int64))
        for name in self.image.outputs:
            place = self.image.maps[name].place
            place.write(window, to_raw(maps[name], self.image.config.array.activation_bits))
