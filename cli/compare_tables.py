"""The tables that `zeroshift compare` prints."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from cli.comparison import LAYER_GOAL, REASONS, TOTAL_GOAL, Row, shortfalls
from cli.designs import DENSE_DESIGNS

LABELS = {design.name: design.label for design in DENSE_DESIGNS}


def layer_table_of(rows: Sequence[Row], source: str) -> Table:
    """The layers of a network at one number of bits, and their total.

    Parameters
    ----------
    rows : layers, the total last.
    source : where the weights come from.
    """
    last = rows[-1]
    table = _table(
        f"{last.net}, {last.bits} bits on {last.config.name} "
        f"({last.config.processing_elements} processing elements)",
        f"weights: {source}",
        ["layer", *_columns(last)],
    )
    for row in rows:
        if row is last:
            table.add_section()
        table.add_row(row.layer, *_cells(row))
    return table


def total_table(rows: Sequence[Row], source: str, method: str) -> Table:
    """The networks as a whole, by number of bits."""
    totals = [row for row in rows if row.shape is None]
    arrays = dict.fromkeys(
        f"{row.config.name} with {row.config.processing_elements} PEs" for row in totals
    )
    table = _table(
        f"Whole networks, {method} weights",
        f"weights: {source}\narrays: {', '.join(arrays)}\nx: times as fast with as many processing "
        "elements (PEs); FPGA x: on the same FPGA; utilisation: bound / cycles",
        ["network", "bits", "PEs", *_columns(totals[0])],
    )
    for before, row in zip([None, *totals], totals, strict=False):
        if before is not None and before.net != row.net:
            table.add_section()
        table.add_row(row.net, str(row.bits), str(row.config.processing_elements), *_cells(row))
    return table


def shortfall_table(rows: Sequence[Row]) -> Table | str:
    """Which layers and networks stay below their goals, and what costs them most."""
    groups = list(shortfalls(rows))
    goals = f"{LAYER_GOAL:.0%} utilisation in every layer, {TOTAL_GOAL:.0%} in total"
    if not groups:
        return f"No layer and no network falls short: {goals}."
    table = Table(title=f"Short of {goals}", box=box.SIMPLE_HEAD, caption_justify="left")
    for name in ("network", "bits", "what", "worst", "utilisation", "lost most to"):
        table.add_column(name, justify="right" if name in ("bits", "utilisation") else "left")
    for group in groups:
        worst = group[0]
        what = "total" if worst.shape is None else f"{len(group)} layers"
        losses = worst.figures.losses
        table.add_row(
            worst.net, str(worst.bits), "1 layer" if what == "1 layers" else what,
            worst.layer if worst.shape else "", f"{worst.figures.utilisation:.1%}",
            f"{REASONS[worst.largest_loss]} ({getattr(losses, worst.largest_loss):.1%} left)",
        )  # fmt: skip
    return table


def _table(title: str, caption: str, columns: list[str]) -> Table:
    table = Table(
        title=title, caption=caption, caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1),
        collapse_padding=True, pad_edge=False,
    )  # fmt: skip
    for name in columns:
        left = name in ("layer", "network")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    return table


def _columns(row: Row) -> list[str]:
    labels = [LABELS.get(name, name) for name in row.dense]
    boards = [label for label, name in zip(labels, row.dense, strict=True)
              if row.board_speedup(name) is not None]  # fmt: skip
    return [
        *(f"{label}\ncycles" for label in labels),
        "LBW\ncycles", "lower\nbound", "utili-\nsation", "non-\nzeros", "density",
        *(f"x\n{label}" for label in labels),
        *(f"FPGA x\n{label}" for label in boards),
        "weight\nbytes",
    ]  # fmt: skip


def _cells(row: Row) -> list[str]:
    figures = row.figures
    short = figures.utilisation < row.goal
    utilisation = f"{figures.utilisation:.1%}"
    boards = [row.board_speedup(name) for name in row.dense]
    return [
        *(short_number(dense.cycles) for dense in row.dense.values()),
        short_number(figures.cycles),
        short_number(figures.lower_bound_cycles),
        f"[yellow]{utilisation}[/]" if short else utilisation,
        short_number(figures.nonzeros),
        f"{row.density:.1%}",
        *(ratio(row.speedup(name)) for name in row.dense),
        *(ratio(speedup) for speedup in boards if speedup is not None),
        short_number(figures.weight_bytes),
    ]


def ratio(value: float) -> str:
    """A ratio in three digits or so."""
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"


def short_number(value: float) -> str:
    """A number in four digits or so, with k, M or G."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.4g}{unit}"
    return f"{value:.4g}"
