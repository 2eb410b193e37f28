"""Data sets that commands read."""

from dataclasses import dataclass
from pathlib import Path

from cli.console import progress_bar
from rfcn.data.voc import VocDataset
from rfcn.networks import VOC_CLASSES, Network


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """A data set as options name it.

    Parameters
    ----------
    folder : in VOC's layout.
    years : such as `07+12`; None for the usual ones.
    split : such as `trainval`.
    """

    folder: Path
    years: str | None
    split: str

    def years_for(self, network: Network) -> str:
        """The years given, else those of the paper: 07+12 to train on Pascal VOC, else 07."""
        both = network.class_names == VOC_CLASSES and self.split != "test"
        return self.years or ("07+12" if both else "07")


def read_data(options: DataOptions, network: Network, *, show: bool = True) -> VocDataset:
    """The images of a data set with the network's classes, with progress shown.

    Raises
    ------
    DatasetError : it is not there, or not as it should be.
    """
    with progress_bar(show=show) as bar:
        task = bar.add_task(f"reading {options.folder}", total=None)
        return VocDataset(
            options.folder, options.years_for(network), options.split, network.class_names,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
