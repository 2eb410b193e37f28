"""Places for everything in memory."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from compiler.errors import FitError
from compiler.system.map_place import MapPlace, aligned, pitch_of
from compiler.system.part import NetworkPart
from golden.network import GraphError
from params.system import OFFSET_BITS


@dataclass(frozen=True, kw_only=True)
class _Life:
    """A map with its bytes, and the nodes, both counted, during which it must be kept."""

    place: MapPlace
    first: int
    last: int

    def meets(self, other: "_Life") -> bool:
        """Whether a node needs both."""
        return self.first <= other.last and other.first <= self.last


def place_maps(
    part: NetworkPart, bus_bytes: int, keep: Collection[str] = ()
) -> dict[str, MapPlace]:
    """Places of all maps from address 0 on, its inputs' among them.

    Maps that no node needs together may share memory. The largest map comes first, and each takes
    the lowest memory that is free throughout its life. Outputs, and the maps in `keep`, stay to the
    end.

    Raises
    ------
    GraphError : no map of a name in `keep`.
    """
    lives = _lives(part, bus_bytes, keep)
    placed: dict[str, _Life] = {}
    for name in sorted(lives, key=lambda name: -lives[name].place.bytes):
        placed[name] = _placed(lives[name], placed.values())
    return {name: placed[name].place for name in lives}


def largest_need(part: NetworkPart, bus_bytes: int, keep: Collection[str] = ()) -> tuple[str, int]:
    """The node during which maps need most memory, and the bytes: no placement takes less.

    What a node reads and makes counts, and what it leaves alone for later ones.

    Raises
    ------
    GraphError : as `place_maps`.
    """
    lives = _lives(part, bus_bytes, keep).values()
    needs = [
        sum(life.place.bytes for life in lives if life.first <= number <= life.last)
        for number in range(len(part.nodes))
    ]
    most = max(needs)
    return part.nodes[needs.index(most)].name, most


def _lives(part: NetworkPart, bus_bytes: int, keep: Collection[str]) -> dict[str, _Life]:
    """All maps by name, at no address yet.

    Raises
    ------
    GraphError : as `place_maps`.
    """
    for name in keep:
        if name not in part.maps:
            raise GraphError(f"{part.net} has no map {name!r} to keep")
    end = len(part.nodes)
    made = dict.fromkeys(part.inputs, -1) | {
        node.name: number for number, node in enumerate(part.nodes)
    }
    last = dict(made)
    for number, node in enumerate(part.nodes):
        last |= dict.fromkeys(node.sources, number)
    last |= dict.fromkeys((*part.outputs, *keep), end)
    lives = {}
    for name, feature_map in part.maps.items():
        channels, height, width = feature_map.shape
        place = MapPlace(
            address=0, channels=channels, height=height, width=width,
            pitch=pitch_of(width, bus_bytes),
        )  # fmt: skip
        lives[name] = _Life(place=place, first=made[name], last=last[name])
    return lives


def _placed(life: _Life, others: Iterable[_Life]) -> _Life:
    """The map at the lowest address that no map has meanwhile."""
    address = 0
    for taken in sorted(
        (other.place for other in others if other.meets(life)), key=lambda place: place.address
    ):
        if address + life.place.bytes <= taken.address:
            break
        address = max(address, taken.end)
    return dataclasses.replace(life, place=dataclasses.replace(life.place, address=address))


def map_bytes(places: Mapping[str, MapPlace]) -> int:
    """Bytes of the memory that maps take, from address 0 on."""
    return max(place.end for place in places.values())


class Shelf:
    """Hands out places one behind the other.

    Parameters
    ----------
    start : the first address.
    unit : addresses are multiples of it.
    """

    def __init__(self, start: int, unit: int) -> None:
        self._unit = unit
        self.end = aligned(start, unit)

    def take(self, count: int) -> int:
        """The address of `count` bytes.

        Raises
        ------
        FitError : they lie behind what a command can address.
        """
        address = self.end
        self.end = aligned(address + count, self._unit)
        if self.end > 1 << OFFSET_BITS:
            raise FitError(
                f"maps, weights and commands take more than {1 << OFFSET_BITS} bytes, which is all "
                "that a system addresses; choose a smaller image"
            )
        return address
