"""Tile planning: the layout and the tiles that take an array the fewest cycles."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from compiler.bands import Bands, choose_bands, cut_bands
from compiler.errors import FitError
from compiler.geometry import axes
from compiler.layout import Layout
from compiler.limits import ALL, Limits
from compiler.strips import fill
from compiler.tile import Tile, flat_tiles, segment_tiles
from golden.shape import ConvShape
from params import ArrayConfig

TYPICAL_DENSITY = 0.25
"""Share of nonzero weights assumed when they are not known."""

LOAD_COST = 1
"""Cycles per activation word: writing it takes a slot of the memory that all rows read."""

WEIGHT_COST = 1 / 16
"""What sending the weights of a tile costs, as a share of a pass over them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TilePlan:
    """How a convolution is cut into tiles.

    Parameters
    ----------
    layout : of the activation memory, the same for all tiles.
    lanes : lanes of the array.
    tiles : the tiles; together they hold every output pixel once.
    """

    layout: Layout
    lanes: int
    tiles: tuple[Tile, ...]

    @cached_property
    def passes(self) -> int:
        """Passes over the filters, summed over the tiles."""
        return sum(tile.passes for tile in self.tiles)

    @property
    def lane_packing(self) -> float:
        """Share of the lanes that compute an output, over all passes."""
        return self.layout.shape.out_pixels / (self.lanes * self.passes)

    @property
    def load_words(self) -> int:
        """Activation words written, summed over the tiles."""
        return sum(self.layout.words(tile.passes) for tile in self.tiles)


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A layout that fits, with its costs in cycles."""

    layout: Layout
    max_passes: int
    steps: int

    @property
    def pass_cost(self) -> float:
        """A pass: its steps, and a slot per memory word that it adds to the tile."""
        return self.steps + LOAD_COST * self.layout.pitch

    @property
    def tile_cost(self) -> float:
        """A tile: the words that all passes share, and its weights."""
        shared = self.layout.run_length - self.layout.pitch
        return LOAD_COST * shared + WEIGHT_COST * self.steps

    def bound(self, lanes: int) -> float:
        """No plan of this layout costs less."""
        passes = -(-self.layout.shape.out_pixels // lanes)
        return self.cost(passes, -(-passes // self.max_passes))

    def rank(self, lanes: int) -> tuple:
        """Order to try: the most promising first, and the simplest of equals."""
        layout = self.layout
        return self.bound(lanes), not layout.flat, layout.copies, layout.transposed

    def cost(self, passes: int, tiles: int) -> float:
        """Cost of a plan."""
        return passes * self.pass_cost + tiles * self.tile_cost

    def plan(self, lanes: int) -> TilePlan:
        """The cheapest plan of this layout."""
        layout = self.layout
        if layout.flat:
            passes = -(-layout.shape.out_pixels // lanes)
            count = -(-passes // self.max_passes)
            heights = [passes // count + (n < passes % count) for n in range(count)]
            tiles = _flat_tiles(layout, lanes, tuple(heights))
        else:
            bands = choose_bands(
                layout,
                lanes=lanes,
                max_passes=self.max_passes,
                pass_cost=self.pass_cost,
                tile_cost=self.tile_cost,
            )
            tiles = _band_tiles(layout, lanes, bands)
        return TilePlan(layout=layout, lanes=lanes, tiles=tiles)


# Networks have many layers of one shape, whose weights seldom change the tiles.
@lru_cache(maxsize=256)
def _flat_tiles(layout: Layout, lanes: int, heights: tuple[int, ...]) -> tuple[Tile, ...]:
    return tuple(flat_tiles(layout, lanes, heights))


@lru_cache(maxsize=256)
def _band_tiles(layout: Layout, lanes: int, bands: Bands) -> tuple[Tile, ...]:
    segments = list(fill(cut_bands(layout, bands), lanes=lanes, halo=layout.halo))
    return tuple(segment_tiles(layout, segments, lanes))


def plan_tiles(
    shape: ConvShape,
    config: ArrayConfig,
    *,
    terms: int = 1,
    steps: int | None = None,
    replay: bool = True,
    limits: Limits = ALL,
) -> TilePlan:
    """The cheapest plan over all layouts that fit the array.

    Parameters
    ----------
    shape : the convolution.
    config : the array.
    terms : powers of two per weight.
    steps : cycles of a pass over the filters; by default those of a typical density.
    replay : a filter group fits the weight buffer, so that a tile may have several passes.
    limits : what the plan may use of the array.

    Raises
    ------
    FitError : no layout fits the activation memory and the run table.
    """
    config = limits.apply(config)
    if steps is None:
        density = 1 if config.dense else TYPICAL_DENSITY
        elements = config.rows * config.elements_per_lane
        steps = round(density * shape.weights * terms / elements) + 1
    candidates = [
        _Candidate(
            layout=layout,
            max_passes=_max_passes(layout, config) if replay else 1,
            steps=steps,
        )
        for layout in _layouts(shape, config, terms, limits)
    ]
    if not candidates:
        raise FitError(_refusal(shape, config, terms, limits))
    best, best_cost = None, float("inf")
    for candidate in sorted(candidates, key=lambda candidate: candidate.rank(config.lanes)):
        if candidate.bound(config.lanes) >= best_cost:
            break
        plan = candidate.plan(config.lanes)
        cost = candidate.cost(plan.passes, len(plan.tiles))
        if cost < best_cost:
            best, best_cost = plan, cost
    assert best is not None
    return best


def _all_layouts(shape: ConvShape, terms: int, limits: Limits) -> Iterator[Layout]:
    """Every layout of a convolution."""
    for transposed in (False, True) if limits.transposed else (False,):
        whole = Layout(shape=shape, transposed=transposed, terms=terms)
        shifts = whole.columns.shifts
        for copies in range(1, shifts + 1):
            if copies == 1 or -(-shifts // copies) < -(-shifts // (copies - 1)):
                yield Layout(shape=shape, transposed=transposed, copies=copies, terms=terms)
    copies = Layout(shape=shape).columns.shifts
    yield Layout(shape=shape, copies=copies, flat=True, terms=terms)


def _layouts(shape: ConvShape, config: ArrayConfig, terms: int, limits: Limits) -> Iterator[Layout]:
    """The layouts that fit the array."""
    for layout in _all_layouts(shape, terms, limits):
        if (
            layout.words(1) <= config.depth
            and layout.shifts <= config.max_shift + 1
            and len(layout.runs) <= config.max_runs
        ):
            yield layout


def _max_passes(layout: Layout, config: ArrayConfig) -> int:
    """Passes for which the activation memory has room."""
    return min(config.max_passes, (config.depth - layout.words(1)) // layout.pitch + 1)


def _refusal(shape: ConvShape, config: ArrayConfig, terms: int, limits: Limits) -> str:
    """Why no layout fits, and what would."""
    y, x = axes(shape)
    name = f"a {y.kernel}x{x.kernel} kernel over {shape.cin} channels"
    if terms > config.max_runs:
        return (
            f"{name} with {terms} terms per weight needs at least {terms} runs, but the array "
            f"has {config.max_runs}; raise max_runs or use fewer terms"
        )
    layouts = list(_all_layouts(shape, terms, limits))
    depth = min(
        layout.words(1)
        for layout in layouts
        if layout.shifts <= config.max_shift + 1 and len(layout.runs) <= config.max_runs
    )
    smallest = min(layouts, key=lambda layout: (layout.words(1), layout.shifts))
    message = (
        f"{name} needs an activation memory of at least {depth} words for one output per lane, "
        f"but the array has {config.depth}; raise depth"
    )
    if smallest.words(1) < depth:
        wants = [("max_shift", smallest.halo), ("max_runs", len(smallest.runs))]
        raised = [f"{key} to {value}" for key, value in wants if value > getattr(config, key)]
        message += f", or raise {' and '.join(raised)}, which takes {smallest.words(1)} words"
    return message
