"""A functional model of the array: what a program means, without timing.

It reads nothing but the packed words that the hardware reads, and follows the contract of
`params.layouts` word by word. It tests the compiler without the hardware.
"""

from collections.abc import Iterator

import numpy as np

from compiler.program import Program, RowStream
from golden.requantize import RESIDUAL_FRACTION
from params import ArrayConfig, layouts, packing

STALE = 5
"""What a word holds that the tile has not written; a program must not depend on it."""


def run(program: Program, image: np.ndarray, residual: np.ndarray | None = None) -> np.ndarray:
    """Execute a program.

    Parameters
    ----------
    image : int (cin, height, width), the input activations.
    residual : int (cout, out_height, out_width), what is added to the sums.

    Returns
    -------
    int64 (cout, out_height, out_width).
    """
    config = program.config
    runs = packing.unpack(layouts.run_write(config), program.run_table())["run"]
    outputs = []

    def residuals(tile: int, row: int) -> np.ndarray | None:
        return None if residual is None else program.residuals(tile, row, residual)

    for tile in range(len(program.tiles)):
        command = packing.unpack(layouts.tile(config), program.command(tile))
        command = _scalars(command)
        loads = packing.unpack(layouts.load(config), program.load(tile, image))
        memory = np.full((config.depth, config.lanes), STALE)
        memory[loads["address"]] = loads["word"]
        if command["signed"]:
            sign = 1 << config.activation_bits - 1
            memory = (memory ^ sign) - sign
        outputs.append(
            [
                run_row(config, command, runs, memory, stream, residuals(tile, row))
                if command["rows"] >> row & 1
                else np.zeros((0, 0), dtype=np.uint8)
                for row, stream in enumerate(program.rows)
            ]
        )
    return program.assemble(outputs)


def run_row(
    config: ArrayConfig,
    command: dict,
    runs: dict,
    memory: np.ndarray,
    stream: RowStream,
    residuals: np.ndarray | None = None,
) -> np.ndarray:
    """The output words of one row for one tile, packed.

    Parameters
    ----------
    command : fields of `layouts.tile`.
    runs : fields of `layouts.run`, each an array over the run table.
    memory : int64 (depth, lanes), activation memory.
    residuals : packed words of `layouts.residuals`, where the command adds any.
    """
    headers = packing.unpack(layouts.header(config), stream.headers)
    masks = iter(packing.unpack(layouts.masks(config), stream.masks))
    codes = [
        iter(_code_words(packing.unpack(layouts.codes(config), words))) for words in stream.codes
    ]
    residual_words = iter(())
    if residuals is not None:
        residual_words = _residual_words(config, command, residuals)
    words = []
    for group in range(len(stream.headers)):
        lengths = headers["lengths"]
        own = [next(masks) for _ in range(int(lengths["groups"][group]))]
        epilogue = {key: values[group] for key, values in headers["epilogue"].items()}
        sums = np.zeros((command["passes"], config.filters_per_row, config.lanes), dtype=np.int64)
        for element, code_words in enumerate(codes):
            count = int(lengths["code_words"][group][element])
            own_codes = (code for _ in range(count) for code in next(code_words))
            for shift, address, bit_mask in _positions(config, runs, own):
                if not int(bit_mask[element if config.masks_per_word > 1 else 0]):
                    continue
                words_read = memory[address + command["pitch"] * np.arange(command["passes"])]
                activations = np.roll(words_read, -shift, axis=1)
                sums[:, element] += _product(activations, next(own_codes))
            # What is left of the last code word is padding.
            for _ in own_codes:
                pass
        added = np.zeros_like(sums)
        if command.get("residual"):
            added = next(residual_words).reshape(added.shape)
        wrapped = _wrap(sums, config.accumulator_bits)
        values = _requantize(wrapped, added, epilogue, command["clamp"])
        outlets = values.reshape(*values.shape[:2], config.drain_width, config.lanes_per_outlet)
        words.append(outlets.swapaxes(2, 3).reshape(-1, config.drain_width))
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


def _code_words(fields: dict) -> Iterator[list[dict[str, int]]]:
    """The fields of the codes of each word."""
    for word in zip(*fields.values(), strict=True):
        columns = [values.tolist() for values in word]
        yield [dict(zip(fields, code, strict=True)) for code in zip(*columns, strict=True)]


def _product(activations: np.ndarray, code: dict[str, int]) -> np.ndarray:
    """What a step adds."""
    if "weight" in code:
        return activations * code["weight"]
    product = activations << code["exponent"]
    return ~product if code["sign"] else product


def _requantize(sums: np.ndarray, residuals: np.ndarray, epilogue: dict, clamp: dict) -> np.ndarray:
    """Outputs of sums, int64 (passes, F, lanes)."""
    fields = {key: values.astype(object)[:, None] for key, values in epilogue.items()}
    scaled = (sums.astype(object) * fields["multiplier"] + fields["offset"]) << RESIDUAL_FRACTION
    added = residuals.astype(object) * fields.get("residual_multiplier", 0)
    values = ((scaled >> fields["shift"]) + added) >> RESIDUAL_FRACTION
    return np.clip(values, clamp["low"], clamp["high"]).astype(np.int64)


def _residual_words(config: ArrayConfig, command: dict, words: np.ndarray) -> Iterator[np.ndarray]:
    """What is added to the sums of each filter group, int64 (passes, F, lanes)."""
    values = packing.unpack(layouts.residuals(config), words).astype(np.int64)
    if command["residual_signed"]:
        sign = 1 << config.activation_bits - 1
        values = (values ^ sign) - sign
    groups = values.reshape(
        -1, command["passes"], config.filters_per_row, config.lanes_per_outlet, config.drain_width
    )
    yield from groups.swapaxes(3, 4).reshape(*groups.shape[:3], config.lanes)


def _scalars(fields: dict) -> dict:
    """The fields of a single word as Python's integers."""
    return {
        key: _scalars(value) if isinstance(value, dict) else int(value[0])
        for key, value in fields.items()
    }


def _wrap(values: np.ndarray, bits: int) -> np.ndarray:
    """Values modulo 2^bits, as signed numbers."""
    half = 1 << bits - 1
    return ((values + half) & (1 << bits) - 1) - half
