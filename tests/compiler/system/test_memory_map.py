import pytest

from compiler import FitError
from compiler.system.lower import lower_network
from compiler.system.memory_map import Shelf, largest_need, map_bytes, place_maps
from compiler.system.order import MOST_AHEAD, _pairs, order_nodes
from compiler.system.part import part_of
from golden.network import INPUT
from params import preset
from params.system import SystemConfig
from tests.golden.networks import small_network


def overlap(a, b) -> bool:
    return a.address < b.end and b.address < a.end


def test_maps_that_are_needed_together_lie_apart():
    network = small_network()
    places = place_maps(part_of(network), 16)
    last = {name: len(network.nodes) for name in network.outputs}
    for number, node in enumerate(network.nodes):
        last |= {name: max(number, last.get(name, 0)) for name in node.sources}
    made = {INPUT: -1} | {node.name: n for n, node in enumerate(network.nodes)}
    for name, other in ((a, b) for a in places for b in places if a != b):
        if made[name] <= last[other] and made[other] <= last[name]:
            assert not overlap(places[name], places[other]), (name, other)
    assert all(place.address % 16 == 0 == place.pitch % 16 for place in places.values())


def test_memory_is_used_again():
    network = small_network()
    some, everything = (place_maps(part_of(network), 16, keep) for keep in ((), network.maps))
    total = sum(place.bytes for place in everything.values())
    assert map_bytes(everything) == total
    assert map_bytes(some) < total
    # The pool reads only conv1, so its map lies where the image was.
    assert overlap(some["pool1"], some[INPUT])


@pytest.mark.parametrize("keep", [(), ("pool1", "a/1")])
def test_the_largest_need_is_that_of_a_node(keep):
    network = small_network()
    part = part_of(network)
    bytes_of = {name: place.bytes for name, place in place_maps(part, 16).items()}
    needs = {}
    for number, node in enumerate(network.nodes):
        made = {INPUT, *(other.name for other in network.nodes[: number + 1])}
        read = {name for other in network.nodes[number:] for name in other.sources}
        alive = {node.name} | made & (read | {*network.outputs, *keep})
        needs[node.name] = sum(bytes_of[name] for name in alive)
    name, need = largest_need(part, 16, keep)
    assert need == max(needs.values()) == needs[name]
    assert need <= map_bytes(place_maps(part, 16, keep))


def test_everything_is_aligned_and_apart():
    network = small_network()
    image = lower_network(network, SystemConfig(array=preset("tiny"), bus_bytes=64))
    assert image.address % 64 == image.commands % 64 == 0
    assert image.address >= map_bytes({name: found.place for name, found in image.maps.items()})
    assert image.size == image.address + len(image.contents)


def test_more_than_a_command_addresses_is_refused():
    shelf = Shelf(100, 64)
    assert shelf.take(1) == 128
    assert shelf.take(64) == 192
    with pytest.raises(FitError, match="take more than 4294967296 bytes"):
        shelf.take(1 << 32)


def test_a_unit_waits_once_for_what_it_reads():
    orders = order_nodes(part_of(small_network()))
    # conv1 reads the image; pool1 waits for conv1, a/1 for pool1, b needs no more, out for b.
    assert [order.load_waits for order in orders] == [False, True, True, False, True]
    assert [order.tells_load for order in orders] == [True, True, False, True, False]
    assert [order.residual_waits for order in orders] == [False, False, False, True, False]
    assert [order.tells_residual for order in orders] == [False, False, True, False, False]


def test_signals_that_nobody_has_waited_for_are_few():
    makers = [-1, *(n // 2 for n in range(1000))]
    pairs = _pairs(makers)
    assert all(maker < reader and maker >= makers[reader] for maker, reader in pairs)
    for end in range(len(makers)):
        ahead = [pair for pair in pairs if pair[0] <= end < pair[1]]
        assert len(ahead) <= MOST_AHEAD
    known = -1
    waits = {reader: maker for maker, reader in pairs}
    for reader, maker in enumerate(makers):
        known = max(known, waits.get(reader, -1))
        assert known >= maker
