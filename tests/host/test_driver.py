import dataclasses

import numpy as np
import pytest

from compiler.system.lower import lower_network
from golden.activations import ActivationError
from golden.network import INPUT
from host.driver import STAMP_BYTES, Driver, DriverError
from params import preset
from params.commands import Fault
from params.registers import OFFSETS
from params.system import SystemConfig
from tests.compiler.system.networks import random_pixels
from tests.golden.networks import small_network
from tests.host.emulated_board import CYCLES, EmulatedBoard

NETWORK = small_network()
CONFIG = SystemConfig(array=preset("tiny"))


@pytest.fixture(scope="module")
def image():
    return lower_network(NETWORK, CONFIG)


@pytest.fixture
def board(image):
    return EmulatedBoard(image)


def test_outputs_are_those_of_the_golden_model(image, board):
    driver = Driver(board, image)
    assert driver.load()
    for seed in range(2):
        pixels = random_pixels(np.random.default_rng(seed), NETWORK)
        run = driver.run({INPUT: pixels})
        golden = NETWORK.run(pixels)
        assert list(run.outputs) == list(image.outputs)
        for name, values in run.outputs.items():
            np.testing.assert_array_equal(values, golden[name])
        assert run.counters["CYCLES"] == CYCLES + (1 << 32)
        assert run.milliseconds == pytest.approx(1e3 * run.counters["CYCLES"] / 25e6)


def test_contents_are_loaded_once(image, board):
    assert Driver(board, image).load()
    before = board.written
    driver = Driver(board, image)
    assert driver.loaded
    assert not driver.load()
    assert board.written == before
    driver.verify()


@pytest.mark.parametrize("name", ["WINDOW_SIZE", "COMMANDS"])
def test_a_board_that_was_reset_is_loaded_again(name, image, board):
    driver = Driver(board, image)
    driver.load()
    board.registers[name] = 0
    assert not driver.loaded
    assert driver.load()


def test_another_network_is_loaded_again(image, board):
    Driver(board, image).load()
    contents = image.contents.copy()
    contents[-1] ^= 1
    other = dataclasses.replace(image, contents=contents)
    assert Driver(board, other).load()
    assert not Driver(board, image).loaded


def test_a_load_that_breaks_off_does_not_count(image, board):
    driver = Driver(board, image)
    driver.load()
    changed = dataclasses.replace(image, contents=image.contents ^ 1)

    def breaks(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Driver(board, changed).load(progress=breaks)
    assert not driver.loaded
    assert not Driver(board, changed).loaded


def test_memory_that_forgets_is_found_and_loaded_again(image, board):
    driver = Driver(board, image)
    driver.load()
    board.memory[image.address + 5] ^= 8
    with pytest.raises(DriverError, match=f"byte {image.address + 5:#x} of the board's memory"):
        driver.verify()
    assert driver.load()
    driver.verify()


def test_another_system_is_refused(image, board):
    board.registers["CONFIG"] ^= 1
    with pytest.raises(DriverError, match="compiled for tiny with a bus of 16 bytes"):
        Driver(board, image)


def test_another_kind_of_board_is_refused(image, board):
    board.registers["ID"] = 0
    with pytest.raises(DriverError, match="register ID reads 0x00000000"):
        Driver(board, image)


def test_memory_must_hold_network_and_stamp(image):
    size = image.size + STAMP_BYTES
    Driver(EmulatedBoard(image, memory=size), image)
    with pytest.raises(DriverError, match="smaller image"):
        Driver(EmulatedBoard(image, memory=size - 1), image)


def test_a_board_need_not_tell_its_memory(image, board):
    board.identity = dataclasses.replace(board.identity, memory=0)
    driver = Driver(board, image)
    driver.load()
    assert not driver.load()


def test_a_fault_is_told_with_its_layer(image, board):
    driver = Driver(board, image)
    driver.load()
    start = image.commands
    board.memory[start : start + 64] = b"\xff" * 64
    with pytest.raises(DriverError, match=r"stopped with fault OPCODE near command 3 of conv1"):
        driver.run({INPUT: random_pixels(np.random.default_rng(0), NETWORK)})


@pytest.mark.parametrize("fault", [f for f in Fault if f != Fault.NONE])
def test_faults_are_described(fault, image):
    words = image.describe(fault, 3)
    assert fault.name in words
    assert ("byte 0x3" if fault in (Fault.WINDOW, Fault.BUS) else "command 3 of conv1") in words


def test_a_run_that_stands_still_is_given_up(image, board):
    board.registers |= {"STATUS": 0b001, "CYCLES": 77}
    with pytest.raises(DriverError, match="stands still at cycle 77"):
        Driver(board, image, patience=0.05).load()


def test_a_run_of_another_program_is_waited_for(image, board):
    looks = iter(range(20))

    def read(offset, read=board.read_register):
        if offset == OFFSETS["STATUS"] and next(looks, None) is not None:
            board.registers["CYCLES"] += 1
            return 0b001
        return read(offset)

    board.read_register = read
    assert Driver(board, image, patience=0.05).load()


def test_inputs_are_checked(image, board):
    driver = Driver(board, image)
    driver.load()
    with pytest.raises(ActivationError):
        driver.run({INPUT: np.zeros((1, 2, 3), dtype=np.int64)})


def test_progress_covers_all_bytes(image, board):
    driver = Driver(board, image)
    driver.load()
    seen = []
    driver.run(
        {INPUT: random_pixels(np.random.default_rng(0), NETWORK)},
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == sorted(seen)
    (total,) = {total for _, total in seen}
    assert seen[-1][0] <= total
