"""Batches of training images, in an order that the seed alone decides.

Source: `roi_data_layer` of py-faster-rcnn: each image also mirrored, all shuffled anew each epoch,
images of a batch all wide or all tall.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rfcn.data.errors import DatasetError
from rfcn.data.images import flip_boxes, load_image, prepare
from rfcn.data.voc import Sample
from rfcn.networks import Network


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Images and their objects as training takes them; difficult objects are left out.

    Parameters
    ----------
    epoch, step : where the batch stands; the next is step + 1, then epoch + 1.
    images : float32 (images, 3, height, width), blue, green, red without their means. Smaller
        images stand at the top left, the rest is 0.
    sizes : heights and widths of the images themselves.
    scales : pixels of `images` per pixel of the files.
    boxes : for each image float32 (objects, 4), in pixels of `images`.
    labels : for each image int64 (objects,), from 1.
    samples : for each image its sample.
    flipped : for each image whether it is mirrored.
    """

    epoch: int
    step: int
    images: np.ndarray
    sizes: tuple[tuple[int, int], ...]
    scales: tuple[float, ...]
    boxes: tuple[np.ndarray, ...]
    labels: tuple[np.ndarray, ...]
    samples: tuple[Sample, ...]
    flipped: tuple[bool, ...]


class Batches:
    """The batches of one process among some that train together.

    The order is a function of the seed and the epoch, so (epoch, step) is all there is to resume
    from. Where images do not fill the last batches of an epoch, its first ones fill them.

    Parameters
    ----------
    samples : the data set; images without objects to train on are left out.
    network : gives scale and means.
    size : images of a batch.
    seed : of the order.
    flip : take each image as it is and mirrored, in each epoch.
    rank, processes : which of how many processes this is; each has batches of its own.

    Raises
    ------
    DatasetError : no image has an object to train on, or numbers out of range.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        network: Network,
        *,
        size: int = 1,
        seed: int = 0,
        flip: bool = True,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if size < 1 or not 0 <= rank < processes:
            raise DatasetError(
                f"there are no batches of {size} images for process {rank} of {processes}"
            )
        self.samples = tuple(sample for sample in samples if not sample.difficult.all())
        if not self.samples:
            raise DatasetError("the data set has no image with an object to train on")
        self.network, self.size, self.seed, self.flip = network, size, seed, flip
        self.rank, self.processes = rank, processes
        self._wide = np.array([sample.size[1] >= sample.size[0] for sample in self.samples])
        self._order = lru_cache(maxsize=2)(self.order)

    def __len__(self) -> int:
        """Steps of an epoch, the same for every process."""
        return len(self._order(0))

    def order(self, epoch: int) -> np.ndarray:
        """Which images the steps of an epoch take.

        Returns
        -------
        int64 (steps, processes, size, 2): sample, and 1 where it is mirrored.
        """
        rng = np.random.default_rng((self.seed, epoch))
        flips = 2 if self.flip else 1
        entries = np.stack(np.divmod(np.arange(flips * len(self.samples)), flips), axis=1)
        groups = [entries]
        if self.size > 1:
            groups = [entries[self._wide[entries[:, 0]] == kind] for kind in (True, False)]
        batches = np.concatenate(
            [_filled(rng.permutation(group), self.size) for group in groups if len(group)]
        )
        return _filled(rng.permutation(batches), self.processes)

    def load(self, epoch: int, step: int) -> Batch:
        """The batch at a place of an epoch.

        Raises
        ------
        DatasetError : an image cannot be read, or is not of the size in its annotation.
        """
        entries = self._order(epoch)[step, self.rank]
        samples = tuple(self.samples[index] for index in entries[:, 0])
        flipped = tuple(bool(flip) for flip in entries[:, 1])
        parts = [self._prepare(*entry) for entry in zip(samples, flipped, strict=True)]
        sizes = tuple((image.shape[1], image.shape[2]) for image, _, _ in parts)
        padded = np.zeros((len(parts), 3, *np.max(sizes, axis=0)), np.float32)
        for place, (image, _, _) in zip(padded, parts, strict=True):
            place[:, : image.shape[1], : image.shape[2]] = image
        return Batch(
            epoch=epoch,
            step=step,
            images=padded,
            sizes=sizes,
            scales=tuple(scale for _, scale, _ in parts),
            boxes=tuple(boxes for _, _, boxes in parts),
            labels=tuple(sample.labels[~sample.difficult] for sample in samples),
            samples=samples,
            flipped=flipped,
        )

    def _prepare(self, sample: Sample, flip: bool) -> tuple[np.ndarray, float, np.ndarray]:
        image = load_sample(sample)
        boxes = sample.boxes[~sample.difficult]
        if flip:
            image, boxes = image[:, ::-1], flip_boxes(boxes, sample.size[1])
        pixels, scale = prepare(image, self.network)
        return pixels, scale, boxes * np.float32(scale)

    def iterate(self, epoch: int = 0, step: int = 0, *, ahead: int = 0) -> Generator[Batch]:
        """All batches from a place on, without end.

        Parameters
        ----------
        epoch, step : of the first batch.
        ahead : batches that as many threads load while the present one is in use.
        """
        if ahead < 1:
            yield from (self.load(*place) for place in self._places(epoch, step))
            return
        pending: deque[Future[Batch]] = deque()
        pool = ThreadPoolExecutor(ahead, thread_name_prefix="batches")
        try:
            for place in self._places(epoch, step):
                pending.append(pool.submit(self.load, *place))
                if len(pending) > ahead:
                    yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _places(self, epoch: int, step: int) -> Iterator[tuple[int, int]]:
        while True:
            yield from ((epoch, place) for place in range(step, len(self)))
            epoch, step = epoch + 1, 0


def load_sample(sample: Sample) -> np.ndarray:
    """The image of a sample, uint8 (height, width, 3).

    Raises
    ------
    DatasetError : it cannot be read, or is not of the size in its annotation.
    """
    image = load_image(sample.path)
    if image.shape[:2] != sample.size:
        height, width = sample.size
        raise DatasetError(
            f"{sample.path} is {image.shape[1]} pixels wide and {image.shape[0]} high, but its "
            f"annotation says {width} and {height}"
        )
    return image


def _filled(rows: np.ndarray, count: int) -> np.ndarray:
    """Rows in groups of `count`, (groups, count, ...); the first rows fill the last group."""
    groups = -(-len(rows) // count)
    return np.resize(rows, (groups, count, *rows.shape[1:]))
