"""The files between a compiled layer and the harness."""

from pathlib import Path

import numpy as np

from compiler.program import Program
from params import layouts, packing

UNDEFINED = frozenset("xzXZ")
"""Digits with bits that a simulator with four states does not know."""


def write_streams(
    folder: Path, program: Program, image: np.ndarray, residual: np.ndarray | None = None
) -> None:
    """Write the files of every stream that the harness reads.

    Parameters
    ----------
    folder : where the simulation runs.
    program : the compiled layer.
    image : (cin, height, width), its input.
    residual : (cout, out_height, out_width), what is added to its sums, if anything is.
    """
    config = program.config
    tiles = range(len(program.tiles))
    _write(folder / "runs.bin", _delimited(program.run_table(), layouts.run_write(config).size))
    _write(folder / "tiles.bin", np.concatenate([program.command(tile) for tile in tiles]))
    with (folder / "load.bin").open("wb") as file:
        for tile in tiles:
            words = _delimited(program.load(tile, image), layouts.load(config).size)
            file.write(words[:, ::-1].tobytes())
    for k, row in enumerate(program.rows):
        _write(folder / f"headers_{k}.bin", row.headers)
        _write(folder / f"masks_{k}.bin", row.masks)
        for f, codes in enumerate(row.codes):
            _write(folder / f"codes_{k}_{f}.bin", codes)
        if config.residuals:
            with (folder / f"residuals_{k}.bin").open("wb") as file:
                if residual is not None:
                    for tile in tiles:
                        file.write(program.residuals(tile, k, residual)[:, ::-1].tobytes())


def read_outputs(folder: Path, program: Program) -> list[list[np.ndarray]]:
    """The output words of every tile and row, packed uint8 (words, bytes).

    Raises
    ------
    ValueError : a row gave another number of words than the program expects, or undefined bits.
    """
    width = packing.word_bytes(layouts.outputs(program.config))
    per_row = []
    for k in range(program.config.rows):
        digits = (folder / f"outputs_{k}.hex").read_text().split()
        undefined = next(
            (n for n, word in enumerate(digits) if not UNDEFINED.isdisjoint(word)), None
        )
        if undefined is not None:
            raise ValueError(f"output word {undefined} of row {k} has undefined bits")
        octets = bytes.fromhex("".join(word.zfill(2 * width) for word in digits))
        per_row.append(np.frombuffer(octets, np.uint8).reshape(-1, width)[:, ::-1])
    outputs, taken = [], [0] * program.config.rows
    for tile in range(len(program.tiles)):
        outputs.append([])
        for k, words in enumerate(per_row):
            count = output_words(program, tile, k)
            outputs[-1].append(words[taken[k] : taken[k] + count])
            taken[k] += count
    for k, words in enumerate(per_row):
        if len(words) != taken[k]:
            raise ValueError(f"row {k} gave {len(words)} output words instead of {taken[k]}")
    return outputs


def output_words(program: Program, tile: int, row: int) -> int:
    """Words that a row gives for a tile."""
    return len(program.rows[row].channels) * program.tiles[tile].passes * program.config.drain_words


def _delimited(words: np.ndarray, width: int) -> np.ndarray:
    """The words with a bit above their `width` bits that is set in the last word only."""
    count = len(words)
    result = np.zeros((count, width // 8 + 1), np.uint8)
    result[:, : words.shape[1]] = words
    result[-1, width // 8] |= 1 << width % 8
    return result


def _write(path: Path, words: np.ndarray) -> None:
    path.write_bytes(words[:, ::-1].tobytes())
