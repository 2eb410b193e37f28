"""From the network's maps and the objects of a batch to the losses."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rfcn.boxes.anchors import anchor_grid
from rfcn.boxes.proposals import proposals
from rfcn.data.batches import Batch
from rfcn.model.psroi import psroi_pool, vote
from rfcn.networks import Network
from rfcn.training.config import TrainingConfig
from rfcn.training.losses import anchor_losses, region_losses
from rfcn.training.targets import anchor_targets, region_targets

cached_anchors = lru_cache(maxsize=16)(anchor_grid)
"""The anchors of the sizes that come up again and again."""


def detector_losses(
    maps: Mapping[str, Tensor],
    batch: Batch,
    network: Network,
    config: TrainingConfig,
    rng: np.random.Generator,
) -> Tensor:
    """The losses of a batch.

    Proposals and targets come from NumPy on the host, as in py-R-FCN; no gradient goes through
    them.

    Parameters
    ----------
    maps : the network's four maps of `batch.images`.
    batch : the images and their objects.
    network : the network's description.
    config : how many anchors and regions count.
    rng : draws the anchors.

    Returns
    -------
    Float (4,), the parts `LOSSES`; training reduces their sum.

    Raises
    ------
    BoxError : a map holds a value that is not finite.
    """
    device = maps["rfcn_cls"].device
    scores = maps["rpn_cls_score"].detach().float().cpu().numpy()
    deltas = maps["rpn_bbox_pred"].detach().float().cpu().numpy()
    anchors = cached_anchors(network, *scores.shape[2:])
    of_anchors, of_regions = [], []
    for index, (size, boxes, labels) in enumerate(
        zip(batch.sizes, batch.boxes, batch.labels, strict=True)
    ):
        of_anchors.append(anchor_targets(anchors, boxes, size, rng, batch=config.anchor_batch))
        found, _ = proposals(
            scores[index],
            deltas[index],
            size,
            network,
            before_nms=config.proposals_before_nms,
            after_nms=config.proposals_after_nms,
            scale=batch.scales[index],
        )
        of_regions.append(region_targets(found, boxes, labels, stds=network.box_stds))

    def together(parts: list[np.ndarray], *, stack: bool = False) -> Tensor:
        values = np.stack(parts) if stack else np.concatenate(parts)
        return torch.from_numpy(values).to(device)

    parts = anchor_losses(
        maps["rpn_cls_score"],
        maps["rpn_bbox_pred"],
        together([targets.labels for targets in of_anchors], stack=True),
        together([targets.offsets for targets in of_anchors], stack=True),
    )
    counts = [len(targets.labels) for targets in of_regions]
    images = together([np.repeat(np.arange(len(counts)), counts)])
    boxes = together([targets.boxes for targets in of_regions])
    rois = torch.cat([images[:, None].to(boxes.dtype), boxes], dim=1)
    parts += region_losses(
        vote(psroi_pool(maps["rfcn_cls"].float(), rois, network.bins, network.feature_stride)),
        vote(psroi_pool(maps["rfcn_bbox"].float(), rois, network.bins, network.feature_stride)),
        together([targets.labels for targets in of_regions]),
        together([targets.offsets for targets in of_regions]),
        images,
        hard=config.hard_regions,
    )
    return torch.stack(parts)
