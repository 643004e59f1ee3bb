"""One long schedule instead of rounds: sparsity rises while the network trains, then it rests."""

import math

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from course_lib._allowed import check_share, check_whole
from course_lib._state import evaluating, seeded
from course_lib.data import Split
from course_lib.masks import Masks, apply_masks, full_masks, magnitude_masks
from course_lib.models import prunable_layers
from course_lib.regrowth import Weights, regrown
from course_lib.training import batches, loss_of


def prune_while_training(model: nn.Module, split: Split, sparsity: float, *, rising: int,
                         resting: int, lr: float = 1e-3, regrowth: bool = True, every: int = 100,
                         teacher: nn.Module | None = None, l1: float = 0.0, seed: int = 0
                         ) -> Masks:
    """Train the model that it is given while its sparsity rises, then rests; return the masks.

    For `rising` epochs masks are chosen anew `every` so many steps, along Zhu and Gupta's cubic
    curve; for `resting` ones they are frozen at exactly `sparsity` of all weights, and `lr` falls
    to zero. With `regrowth` the pruned weights go on learning from the gradients at zero (straight
    through); without it they stay zero. `teacher` and `l1` as in `train`.
    """
    check_share("sparsity", sparsity)
    for name, n in {"rising": rising, "resting": resting, "every": every}.items():
        check_whole(name, n)
    optimizer = AdamW(model.parameters(), lr=lr, weight_decay=0.0, fused=True)
    rise, steps = (epochs * math.ceil(len(split) / 128) for epochs in (rising, rising + resting))
    schedule = LambdaLR(optimizer, lambda step: min(1.0, (steps - step) / (steps - rise)))
    layers = prunable_layers(model.train())
    weights = {name: layer.weight.data for name, layer in layers.items()}
    masks = full_masks(model)
    with seeded(seed), evaluating(teacher or nn.Identity()):
        stream = (batch for _ in range(rising + resting) for batch in batches(split, 128))
        for step, batch in enumerate(stream):
            if step == rise:
                masks = _exactly(model, masks, weights, sparsity)
            elif step < rise and step % every == 0:
                masks = regrown(masks, weights, sparsity * (1 - (1 - step / rise) ** 3))
            for name, layer in layers.items():
                layer.weight.data = weights[name] * masks[name]  # what the loss is read with
            optimizer.zero_grad()
            loss_of(model, *batch, teacher, l1).backward()
            for name, layer in layers.items():
                layer.weight.data = weights[name]  # what learns
            optimizer.step()
            schedule.step()
            if step >= rise or not regrowth:
                apply_masks(model, masks)
    model.eval()
    return masks


def _exactly(model: nn.Module, masks: Masks, weights: Weights, sparsity: float) -> Masks:
    """Keep the largest of the weights that stay, and of the others, so that the share is exact."""
    for name, layer in prunable_layers(model).items():
        layer.weight.data = weights[name].abs() + masks[name] * weights[name].abs().max()
    return magnitude_masks(model, sparsity)
