"""A functional model of the array: what a program means, without timing.

It reads nothing but the packed words that the hardware reads, and follows the contract of
`params.layouts` word by word. It tests the compiler without the hardware.
"""

from collections.abc import Iterator

import numpy as np

from compiler.program import Program, RowStream
from params import ArrayConfig, layouts, packing

STALE = 5
"""What a word holds that the tile has not written; a program must not depend on it."""


def run(program: Program, image: np.ndarray) -> np.ndarray:
    """Execute a program.

    Parameters
    ----------
    image : int (cin, height, width), the input activations.

    Returns
    -------
    int64 (cout, out_height, out_width).
    """
    config = program.config
    runs = packing.unpack(layouts.run_write(config), program.run_table())["run"]
    outputs = []
    for tile in range(len(program.tiles)):
        command = packing.unpack(layouts.tile(config), program.command(tile))
        command = {key: int(value[0]) for key, value in command.items()}
        loads = packing.unpack(layouts.load(config), program.load(tile, image))
        memory = np.full((config.depth, config.lanes), STALE)
        memory[loads["address"]] = loads["word"]
        if command["signed"]:
            sign = 1 << config.activation_bits - 1
            memory = (memory ^ sign) - sign
        outputs.append(
            [
                run_row(config, command, runs, memory, stream)
                if command["rows"] >> row & 1
                else np.zeros((0, 0), dtype=np.uint8)
                for row, stream in enumerate(program.rows)
            ]
        )
    return program.assemble(outputs)


def run_row(
    config: ArrayConfig, command: dict, runs: dict, memory: np.ndarray, stream: RowStream
) -> np.ndarray:
    """The output words of one row for one tile, packed.

    Parameters
    ----------
    command : fields of `layouts.tile`.
    runs : fields of `layouts.run`, each an array over the run table.
    memory : int64 (depth, lanes), activation memory.
    """
    headers = packing.unpack(layouts.header(config), stream.headers)
    masks = iter(packing.unpack(layouts.masks(config), stream.masks))
    codes = [
        iter(_code_words(packing.unpack(layouts.codes(config), words))) for words in stream.codes
    ]
    words = []
    for group in range(len(stream.headers)):
        lengths = headers["lengths"]
        own = [next(masks) for _ in range(int(lengths["groups"][group]))]
        requantization = {key: values[group] for key, values in headers["requantization"].items()}
        sums = np.zeros((command["passes"], config.filters_per_row, config.lanes), dtype=np.int64)
        for f in range(config.filters_per_row):
            count = int(lengths["code_words"][group][f])
            own_codes = (code for _ in range(count) for code in next(codes[f]))
            for shift, address, bit_mask in _positions(config, runs, own):
                if not int(bit_mask[f]):
                    continue
                sign, exponent = next(own_codes)
                words_read = memory[address + command["pitch"] * np.arange(command["passes"])]
                product = np.roll(words_read, -shift, axis=1) << exponent
                sums[:, f] += ~product if sign else product
            # What is left of the last code word is padding.
            for _ in own_codes:
                pass
        wrapped = _wrap(sums, config.accumulator_bits)
        per_filter = [
            (
                wrapped[:, f] * int(requantization["multiplier"][f])
                + int(requantization["offset"][f])
            )
            >> int(requantization["shift"][f])
            for f in range(config.filters_per_row)
        ]
        values = np.clip(np.stack(per_filter, axis=1), command["low"], command["high"])
        chains = values.reshape(*values.shape[:2], config.drain_width, config.chain_length)
        words.append(chains.swapaxes(2, 3).reshape(-1, config.drain_width))
        if headers["end"][group] != (group == len(stream.headers) - 1):
            raise AssertionError("only a row's last header ends the tile")
    if any(next(stream_left, None) is not None for stream_left in (masks, *codes)):
        raise AssertionError("words are left over behind the last filter group")
    raw = np.concatenate(words) & (1 << config.activation_bits) - 1
    return packing.pack(layouts.outputs(config), raw, len(raw))


def _positions(config: ArrayConfig, runs: dict, masks: list) -> Iterator[tuple]:
    """Lane shift, address and filters of every set bit of a filter group's mask words."""
    run, within = 0, 0
    for word in masks:
        if within == runs["groups"][run]:
            run, within = run + 1, 0
        for bit in range(config.mask_bits):
            filters = [int(mask) >> bit & 1 for mask in word]
            if any(filters):
                address = int(runs["base"][run]) + within * config.mask_bits + bit
                yield int(runs["shift"][run]), address, filters
        within += 1


def _code_words(fields: dict) -> Iterator[list[tuple[int, int]]]:
    """Sign and exponent of the codes of each word."""
    for signs, exponents in zip(fields["sign"], fields["exponent"], strict=True):
        yield list(zip(signs.tolist(), exponents.tolist(), strict=True))


def _wrap(values: np.ndarray, bits: int) -> np.ndarray:
    """Values modulo 2^bits, as signed numbers."""
    half = 1 << bits - 1
    return ((values + half) & (1 << bits) - 1) - half
