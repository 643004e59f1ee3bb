"""Prune, retrain, repeat: Han's method, and the gradual schedule that came after it.

A `Round` is yielded as soon as it is done, so a reader sees each one, and whoever interrupts keeps
those that are finished. The model that is given stays as it is.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from course_lib._allowed import by_layer, check_share, check_sizes, check_whole, require
from course_lib.data import MNIST
from course_lib.masks import (
    Masks,
    apply_masks,
    full_masks,
    magnitude_masks,
    std_thresholds,
    threshold_masks,
)
from course_lib.models import prunable_layers
from course_lib.training import evaluate, train

Step = float | dict[str, float]  # of one round: a number for all layers, or {layer: number}


@dataclass(frozen=True)
class Round:
    """Hold one round: the weights are pruned once and retrained once."""

    number: int
    masks: Masks
    state_dict: dict[str, Tensor]  # at the end of the round
    density: dict[str, float]  # the share of each layer's weights that stay
    before: float  # accuracy on validation before retraining
    after: float  # and after it
    seconds: float

    @property
    def compression(self) -> float:
        """Return all weights / weights that stay; infinite if none do."""
        left = sum(int(mask.sum()) for mask in self.masks.values())
        return sum(mask.numel() for mask in self.masks.values()) / left if left else math.inf


def by_quality(model: nn.Module, quality: Step, masks: Masks) -> Masks:
    """Keep the survivors of magnitude quality · σ or more, σ that of their layer's survivors."""
    return threshold_masks(model, std_thresholds(model, quality, masks=masks), masks=masks)


def by_sparsity(model: nn.Module, sparsity: Step, masks: Masks) -> Masks:
    """Keep the largest of all layers' survivors, so that this share of all weights is pruned."""
    return magnitude_masks(model, sparsity, masks=masks)


def prune_and_retrain(model: nn.Module, data: MNIST, qualities: Sequence[Step], *, epochs: int,
                      lr: float = 1e-4, l1: float = 0.0, l2: float = 0.0,
                      shrink_dropout: bool = True, teacher: nn.Module | None = None,
                      optimizer: str = "adamw", seed: int = 0,
                      cut: Callable[[nn.Module, Step, Masks], Masks] = by_quality
                      ) -> Iterator[Round]:
    """Prune by Han's method: one quality a round, each one number or {layer: number}.

    In a round the weights below quality · σ of their layer's survivors become zero; then all layers
    are retrained together, from the survivors' values. One quality is one-shot pruning. `lr` is a
    tenth of `train`'s, as in the paper; `l1`, `l2`, `teacher` and `optimizer` go to `train`. With
    `shrink_dropout` a dropout's rate becomes D_o · sqrt(C_r / C_o), C the weights of the next
    layer, originally and as retrained. Source: Han, Pool, Tran, Dally 2015, who leave open whether
    σ is taken anew each round; here it is.

    With `cut` `by_sparsity` the numbers are shares of all weights, as a rule from `cubic_schedule`.
    Source: Zhu and Gupta 2017, with global scope.
    """
    _check(qualities, list(prunable_layers(model)))
    pruned, masks = copy.deepcopy(model), full_masks(model)
    for number, quality in enumerate(qualities, start=1):
        started = time.perf_counter()
        masks = cut(pruned, quality, masks)
        apply_masks(pruned, masks)
        if shrink_dropout:
            _shrink_dropout(pruned, model, masks)
        before = evaluate(pruned, data.validation)
        train(pruned, data.train, epochs=epochs, lr=lr, masks=masks, l1=l1, l2=l2, teacher=teacher,
              optimizer=optimizer, seed=1000 * (seed + 1) + number)
        yield Round(number, masks, copy.deepcopy(pruned.state_dict()),
                    {name: float(mask.double().mean()) for name, mask in masks.items()}, before,
                    evaluate(pruned, data.validation), time.perf_counter() - started)


def _check(qualities: Sequence[Step], layers: list[str]) -> None:
    """Refuse now what cannot work in a later round, perhaps hours from now."""
    fine = isinstance(qualities, list | tuple) and len(qualities) > 0
    require(fine, "qualities", qualities, "a list, one value for each round")
    for quality in qualities:
        check_sizes("quality", by_layer("quality", quality, layers), layers)


def _shrink_dropout(pruned: nn.Module, original: nn.Module, masks: Masks) -> None:
    """Set each dropout's rate by what is left of the layer that reads through it."""
    share = 1.0
    for name, part in reversed(list(pruned.named_modules())):
        if name in masks:
            share = float(masks[name].double().mean())
        if isinstance(part, nn.Dropout):
            part.p = original.get_submodule(name).p * share ** 0.5


def cubic_schedule(final: float, rounds: int) -> list[float]:
    """Return a sparsity for each round that rises fast at first and reaches `final` gently.

    Source: Zhu and Gupta 2017, with an initial sparsity of 0.

    >>> [round(share, 3) for share in cubic_schedule(0.8, 4)]
    [0.463, 0.7, 0.788, 0.8]
    """
    check_share("final", final)
    check_whole("rounds", rounds)
    return [final * (1 - (1 - passed / rounds) ** 3) for passed in range(1, rounds + 1)]
