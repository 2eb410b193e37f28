import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.program import RowStream
from compiler.stream import encode
from compiler.system.weight_packets import PacketError, pack_row, row_bytes, unpack_row
from params import layouts, packing
from params.commands import NO_CHANNEL, Packet
from tests.compiler.system.weights import CONFIGS, make_places, make_rows, tight


def make_stream(config, rng, *, count, positions, density, runs=1):
    """A row of `count` random filter groups without a layer around them."""
    shape = (count, config.filters_per_row, runs, positions)
    if config.dense:
        weights = rng.integers(-128, 127, shape, endpoint=True)
    else:
        weights = (np.int64(1) << rng.integers(0, config.levels, shape)) * rng.choice(
            [-1, 1], shape
        )
        weights *= rng.random(shape) < density
    words = encode(weights, config)
    bits = rng.integers(0, 1 << 15, (count, config.filters_per_row))
    epilogue = dict.fromkeys(layouts.epilogue(config).members, 0) | {"multiplier": bits}
    fields = {
        "lengths": {"groups": words.groups, "code_words": words.code_words},
        "epilogue": {key: np.broadcast_to(value, bits.shape) for key, value in epilogue.items()},
        "end": np.arange(count) == count - 1,
    }
    headers = packing.pack(layouts.header(config), fields, count)
    channels = np.arange(bits.size).reshape(bits.shape)
    return RowStream(channels=channels, headers=headers, weights=words)


def check_round_trip(stream, config):
    places = make_places(stream)
    units = pack_row(stream, config, places)
    assert units.dtype == np.uint32
    assert row_bytes(stream, config) == 4 * len(units)
    found = unpack_row(units, config)
    np.testing.assert_array_equal(found.headers, stream.headers)
    np.testing.assert_array_equal(found.masks, stream.masks)
    assert len(found.codes) == len(stream.codes)
    for got, expected in zip(found.codes, stream.codes, strict=True):
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(found.places, places)
    return units


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", range(5))
def test_round_trip_of_layers(name, seed):
    config = CONFIGS[name]
    for stream in make_rows(
        config, seed, cout=1 + 2 * seed, density=(0.0, 0.05, 0.3, 1.0)[seed % 4]
    ):
        check_round_trip(stream, config)


ARRAYS = st.fixed_dictionaries(
    {
        "filters_per_row": st.integers(1, 4),
        "mask_bits": st.sampled_from((2, 3, 8, 31, 32, 64)),
        "codes_per_word": st.sampled_from((1, 2, 5, 8, 32)),
        "mask_depth": st.integers(2, 40),
        "code_depth": st.integers(2, 40),
    }
)
WEIGHTS = st.fixed_dictionaries(
    {
        "count": st.integers(0, 4),
        "positions": st.integers(1, 300),
        "density": st.sampled_from((0.0, 0.02, 0.3, 1.0)),
    }
)


@given(
    name=st.sampled_from(("tiny", "tiny-int8")),
    fields=ARRAYS,
    weights=WEIGHTS,
    seed=st.integers(0, 1 << 32),
)
def test_round_trip_and_no_deadlock(name, fields, weights, seed):
    config = dataclasses.replace(CONFIGS[name], **fields)
    stream = make_stream(config, np.random.default_rng(seed), **weights)
    units = check_round_trip(stream, config)
    assert consume(units, config) == len(stream.headers)


def consume(units, config):
    """Take a row's units word by word with buffers that hold no more than the array's.

    A mask word leaves its buffer with its first position, a code word with its last code, which is
    later than in the array. Returns the filter groups taken to their ends; fails if the row stops.
    """
    sequence = list(words_in_order(units, config))
    row = Consumer(config)
    at = 0
    while at < len(sequence) or row.busy:
        if at < len(sequence) and row.offer(*sequence[at]):
            at += 1
        else:
            assert row.step(), f"the row stops before word {at} of {len(sequence)}"
    assert not row.masks
    assert not any(row.codes)
    return row.finished


class Consumer:
    """A row that takes filter groups once, with bounded buffers."""

    def __init__(self, config):
        self.config = config
        self.masks = []
        self.codes = [[] for _ in range(config.filters_per_row)]
        self.finished = 0
        self.busy = False

    def offer(self, kind, word):
        """Whether the row has room for a word, which it then takes."""
        if kind == Packet.GROUP.value:
            if self.busy:
                return False
            self.busy, self.left, self.positions = True, word, []
            self.used = [0] * self.config.filters_per_row
            return True
        if kind == Packet.MASKS.value:
            buffer, depth = self.masks, self.config.mask_depth
        else:
            buffer, depth = self.codes[kind - Packet.CODES.value], self.config.code_depth
        if len(buffer) == depth:
            return False
        buffer.append(word)
        return True

    def step(self):
        """Whether the row has what it takes to go on, which it then does."""
        if not self.busy:
            return False
        if not self.positions and self.left:
            if not self.masks:
                return False
            self.left -= 1
            self.positions = positions_of(self.masks.pop(0), self.config)
        if self.positions:
            if not all(self.codes[f] for f in self.positions[0]):
                return False
            for f in self.positions.pop(0):
                self.used[f] += 1
                if self.used[f] == self.config.codes_per_word:
                    self.codes[f].pop(0)
                    self.used[f] = 0
        if not self.positions and not self.left:
            for f, used in enumerate(self.used):
                if used:
                    self.codes[f].pop(0)
            self.busy = False
            self.finished += 1
        return True


def test_another_order_stops():
    """The model above tells an order that does not fit the buffers."""
    config = tight(CONFIGS["paired"])
    stream = make_stream(config, np.random.default_rng(3), count=1, positions=200, density=1.0)
    roomy = dataclasses.replace(config, mask_depth=64, code_depth=64)
    places = make_places(stream)
    assert consume(pack_row(stream, config, places), config) == 1
    with pytest.raises(AssertionError, match="the row stops"):
        consume(pack_row(stream, roomy, places), config)


def words_in_order(units, config):
    """(kind, word) as they come: the mask words of a group, a mask as an integer, or nothing."""
    sizes = {
        Packet.GROUP.value: -(-layouts.header(config).size // 32) + config.filters_per_row,
        Packet.MASKS.value: -(-layouts.masks(config).size // 32),
    }
    at = 0
    while at < len(units):
        kind, count = int(units[at]) & 0xFF, int(units[at]) >> 8
        at += 1
        for _ in range(count):
            size = sizes.get(kind, -(-layouts.codes(config).size // 32))
            value = sum(int(unit) << 32 * n for n, unit in enumerate(units[at : at + size]))
            at += size
            if kind == Packet.GROUP.value:
                value &= (1 << layouts.lengths(config)["groups"].width) - 1
            yield kind, value


def positions_of(mask, config):
    """For each position of a mask word with a weight, the filters that take a step there."""
    found = []
    for bit in range(config.mask_bits):
        masks = [mask >> f * config.mask_bits + bit & 1 for f in range(config.masks_per_word)]
        if any(masks):
            every = range(config.filters_per_row)
            found.append([f for f in every if masks[f if config.masks_per_word > 1 else 0]])
    return found


def test_order_of_a_group():
    """The codes of a filter follow the mask words that begin to need them."""
    config = dataclasses.replace(CONFIGS["paired"], mask_bits=8, codes_per_word=8, mask_depth=64)
    weights = np.zeros((1, 2, 1, 20 * 8), dtype=np.int64)
    weights[0, 0, 0, :12] = 1  # a code word at once, one in the second mask
    weights[0, 1, 0, 8 * 17] = 1  # nothing before the second chunk
    weights[0, 0, 0, -1] = 1  # shares the code word of the second mask
    words = encode(weights, config)
    headers = packing.pack(
        layouts.header(config),
        {
            "lengths": {"groups": words.groups, "code_words": words.code_words},
            "epilogue": {key: np.zeros((1, 2), int) for key in layouts.epilogue(config).members},
            "end": 1,
        },
        1,
    )
    stream = RowStream(channels=np.array([[3, -1]]), headers=headers, weights=words)
    units = pack_row(stream, config, np.array([[96, -1]]))
    header = -(-layouts.header(config).size // 32)
    assert units[0] == 1 << 8 | Packet.GROUP.value
    assert units[1 + header : 3 + header].tolist() == [96, NO_CHANNEL]
    kinds = []
    at = 3 + header
    while at < len(units):
        kind, count = int(units[at]) & 0xFF, int(units[at]) >> 8
        kinds.append((kind, count))
        # Masks take a unit, codes of 8 * 5 bits two.
        at += 1 + count * (1 if kind == Packet.MASKS.value else 2)
    assert kinds == [(1, 16), (2, 2), (1, 4), (3, 1)]


def test_no_groups():
    config = CONFIGS["tiny"]
    stream = make_stream(config, np.random.default_rng(0), count=0, positions=3, density=1.0)
    assert len(check_round_trip(stream, config)) == 0


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (np.zeros((2, 1), dtype=np.int64), "shape"),
        (np.array([[0], [-2], [5]]), "at byte -2"),
        (np.array([[0], [NO_CHANNEL], [5]]), f"at byte {NO_CHANNEL}"),
    ],
)
def test_bad_places(places, message):
    config = CONFIGS["tiny"]
    stream = make_stream(config, np.random.default_rng(0), count=3, positions=9, density=1.0)
    with pytest.raises(PacketError, match=message):
        pack_row(stream, config, places)


def test_malformed_units():
    config = CONFIGS["tiny"]
    stream = make_stream(config, np.random.default_rng(1), count=2, positions=90, density=1.0)
    units = pack_row(stream, config, make_places(stream))
    group = 1 + -(-layouts.header(config).size // 32) + config.filters_per_row
    for at, unit, message in (
        (0, 9 | 1 << 8, "kind 9"),
        (group, 3 | 1 << 8, "kind 3"),
        (0, 0, "group at unit 0 has 0 words"),
        (0, 2 << 8, "group at unit 0 has 2 words"),
        (0, 1 | 1 << 8, "begin a group"),
        (group, 1, "no words"),
    ):
        bad = units.copy()
        bad[at] = unit
        with pytest.raises(PacketError, match=message):
            unpack_row(bad, config)
    with pytest.raises(PacketError, match="are left"):
        unpack_row(units[:-1], config)
    with pytest.raises(PacketError, match="its header says"):
        unpack_row(units[:group], config)
