"""Norms of the loss gradient by layer."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer import tables
from explorer.analysis.images import require_images, require_layers
from explorer.errors import BadSettings
from explorer.models.layers import main_path
from explorer.models.recording import record_response_gradients, working_copy
from explorer.models.two_classes import with_class_scores

QUARTILES = (50, 25, 75)  # the median first, as the columns have it


def gradient_profile(
    network: nn.Module, images: Tensor, labels: Tensor, *, batch_size: int | None = None
) -> pd.DataFrame:
    """Norms of the loss gradient with respect to each layer's weights and responses, as in training steps.

    The loss is the mean cross-entropy of a batch; batch norm takes its statistics from the batch. Projection shortcuts
    are left out, so that networks of one depth have the same rows. Computed on a copy: mode, batch norm statistics and
    gradients of `network` do not change.

    Args:
        network: trained or not, of this program or another convolutional one.
        images: (N, C, H, W), normalised for `network`, on its device.
        labels: (N,), classes.
        batch_size: images per batch, at least 2; an incomplete last batch is dropped. None takes all images as one
            batch, so that the quartiles equal the median.

    Returns:
        The columns of `tables.GRADIENTS`: stem, convolutions of every block, classifier; as many rows as the depth of
        the network. Norms are medians over batches, with quartiles.

    Raises:
        BadSettings: `images` is not a batch that the network accepts, the number of labels differs, or there is no full
            batch.

    Source: He et al. 2015, section 4.1: with batch norm, forward and backward signals of the plain networks do not
    vanish.
    """
    require_layers(network)
    require_images(network, images, labels, fewest=2)
    size = len(images) if batch_size is None else batch_size
    if not 2 <= size <= len(images):
        raise BadSettings(
            f"`batch_size` (={size}) is not between 2 and the {len(images)} images, so there is no batch to measure "
            "on. Lower it or give more images."
        )
    copy = with_class_scores(working_copy(network, "batch"))
    layers = main_path(copy)
    weights, responses = [], []
    with torch.enable_grad(), record_response_gradients(copy) as response_norms:
        for start in range(0, len(images) - size + 1, size):
            batch = slice(start, start + size)
            loss = functional.cross_entropy(copy(images[batch]), labels[batch])
            gradients = torch.autograd.grad(loss, [layer.module.weight for layer in layers])
            weights.append([gradient.norm().item() for gradient in gradients])
            responses.append([response_norms[layer.number] for layer in layers])
    table = pd.DataFrame(
        [(layer.number, layer.name, layer.stage, layer.block) for layer in layers], columns=tables.LAYER_KEYS
    )
    for column, values in (("gradient", weights), ("response_gradient", responses)):
        median, low, high = np.percentile(values, QUARTILES, axis=0)
        table[f"{column}_norm" if column == "gradient" else column] = median
        table[f"{column}_low"], table[f"{column}_high"] = low, high
    table["weight_norm"] = [layer.module.weight.norm().item() for layer in layers]
    table["relative"] = (table["gradient_norm"] / table["weight_norm"]).where(table["weight_norm"] > 0)
    return table[tables.GRADIENTS]
