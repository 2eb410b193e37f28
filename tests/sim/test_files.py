"""The streams' files hold the program's words, and the outputs come back from theirs."""

from pathlib import Path

import numpy as np
import pytest

from compiler import compile_layer
from compiler.model import run
from golden.shape import ConvShape
from params import layouts, packing, preset
from params.packing import word_bytes
from sim.files import output_words, read_outputs, write_streams
from tests.sim.layers import PAIRED, random_case

SHAPE = ConvShape(cin=3, cout=5, kernel=3, padding=1, height=9, width=9)

CONFIGS = [preset("tiny"), PAIRED]


@pytest.fixture(params=CONFIGS, ids=lambda config: config.name)
def compiled(request):
    """A case and its program."""
    case = random_case(SHAPE, seed=1, levels=4)
    return case, compile_layer(case.layer, request.param)


def words_of(path: Path, size: int) -> np.ndarray:
    """Records of a file, least significant byte first: uint8 (records, size)."""
    return np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, size)[:, ::-1]


def integers(words: np.ndarray) -> list[int]:
    return [int.from_bytes(bytes(word), "little") for word in words]


def test_weight_files_hold_the_words_of_the_rows(compiled, tmp_path):
    case, program = compiled
    write_streams(tmp_path, program, case.image)
    for k, row in enumerate(program.rows):
        streams = {f"headers_{k}": row.headers, f"masks_{k}": row.masks}
        streams |= {f"codes_{k}_{f}": codes for f, codes in enumerate(row.codes)}
        for name, words in streams.items():
            read = words_of(tmp_path / f"{name}.bin", words.shape[1])
            np.testing.assert_array_equal(read, words, err_msg=name)


def test_commands_of_all_tiles_follow_each_other(compiled, tmp_path):
    case, program = compiled
    write_streams(tmp_path, program, case.image)
    words = words_of(tmp_path / "tiles.bin", word_bytes(layouts.tile(program.config)))
    passes = packing.unpack(layouts.tile(program.config), words)["passes"]
    assert passes.tolist() == [tile.passes for tile in program.tiles]


def test_a_flag_marks_the_last_run_and_each_tile_s_last_load(compiled, tmp_path):
    case, program = compiled
    config = program.config
    write_streams(tmp_path, program, case.image)
    loads = [program.load(tile, case.image) for tile in range(len(program.tiles))]
    assert len(loads) > 1
    for name, layout, parts in (
        ("runs", layouts.run_write(config), [program.run_table()]),
        ("load", layouts.load(config), loads),
    ):
        records = integers(words_of(tmp_path / f"{name}.bin", layout.size // 8 + 1))
        expected = []
        for words in parts:
            expected += integers(words)
            expected[-1] += 1 << layout.size
        assert records == expected


def write_outputs(folder: Path, program, words_of_row) -> None:
    """What the sinks write: a word a line, in hexadecimal digits."""
    layout = layouts.outputs(program.config)
    for k in range(program.config.rows):
        lines = [f"{value:0{-(-layout.size // 4)}x}\n" for value in integers(words_of_row(k))]
        (folder / f"outputs_{k}.hex").write_text("".join(lines))


def output_of(program, row: int, seed: int = 0) -> np.ndarray:
    """Random words for all tiles of a row."""
    count = sum(output_words(program, tile, row) for tile in range(len(program.tiles)))
    config = program.config
    rng = np.random.default_rng([seed, row])
    values = rng.integers(0, 1 << config.activation_bits, (count, config.drain_width))
    return packing.pack(layouts.outputs(config), values, count)


def test_outputs_come_back_tile_by_tile(compiled, tmp_path):
    _, program = compiled
    write_outputs(tmp_path, program, lambda row: output_of(program, row))
    outputs = read_outputs(tmp_path, program)
    assert len(outputs) == len(program.tiles)
    for k in range(program.config.rows):
        together = np.concatenate([rows[k] for rows in outputs])
        np.testing.assert_array_equal(together, output_of(program, k))
    assert [len(words) for words in outputs[0]] == [
        output_words(program, 0, k) for k in range(program.config.rows)
    ]


def test_output_words_are_those_of_the_functional_model(compiled):
    case, program = compiled
    np.testing.assert_array_equal(run(program, case.image), case.expected)
    for tile, row in np.ndindex(len(program.tiles), program.config.rows):
        channels, _ = program.places(tile, row)
        assert output_words(program, tile, row) == len(channels)


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_wrong_number_of_words_is_told(compiled, tmp_path, difference):
    _, program = compiled

    def words(row):
        right = output_of(program, row)
        return right if row == 0 else np.resize(right, (len(right) + difference, right.shape[1]))

    write_outputs(tmp_path, program, words)
    with pytest.raises(ValueError, match=r"row 1 gave [0-9]+ output words instead of"):
        read_outputs(tmp_path, program)


def test_undefined_bits_are_told(compiled, tmp_path):
    _, program = compiled
    write_outputs(tmp_path, program, lambda row: output_of(program, row))
    path = tmp_path / "outputs_1.hex"
    lines = path.read_text().split("\n")
    lines[2] = "x" + lines[2][1:]
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match="output word 2 of row 1 has undefined bits"):
        read_outputs(tmp_path, program)
