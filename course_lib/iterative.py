"""Prune, retrain, repeat: Han's method, and the gradual schedule that came after it.

Both yield a `Round` as soon as it is done, so a reader sees each one, and whoever interrupts keeps
those that are finished. The model that they are given stays as it is.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from course_lib.data import MNIST
from course_lib.masks import Masks, apply_masks, magnitude_masks, std_thresholds, threshold_masks
from course_lib.models import prunable_layers
from course_lib.training import evaluate, train

Cut = Callable[[nn.Module, Masks], tuple[Masks, dict[str, float]]]  # new masks, their thresholds


@dataclass(frozen=True)
class Round:
    """Hold one round: the weights are pruned once and retrained once.

    `masks` and `weights`, a state_dict, are those at its end; `thresholds` are the absolute cuts,
    by layer; `density` is the share of each layer's weights that stay. `before` and `after` are
    the accuracies on the validation split before and after retraining.
    """

    number: int
    masks: Masks
    weights: dict[str, Tensor]
    thresholds: dict[str, float]
    density: dict[str, float]
    before: float
    after: float
    seconds: float

    @property
    def compression(self) -> float:
        """Return all weights / weights that stay; infinite if none do."""
        left = sum(int(mask.sum()) for mask in self.masks.values())
        return sum(mask.numel() for mask in self.masks.values()) / left if left else math.inf


def prune_and_retrain(model: nn.Module, data: MNIST,
                      qualities: Sequence[float | dict[str, float]], *, epochs: int,
                      lr: float = 1e-4, l1: float = 0.0, l2: float = 0.0,
                      shrink_dropout: bool = True, teacher: nn.Module | None = None,
                      optimizer: str = "adamw", seed: int = 0) -> Iterator[Round]:
    """Prune by Han's method: one quality a round, each one number or {layer: number}.

    In a round the weights below quality · σ of their layer's survivors become zero, in all layers;
    then all layers are retrained together, from the values that the survivors have. One quality is
    one-shot pruning. By default `lr` is a tenth of `train`'s, as in the paper; `l1`, `l2`,
    `teacher` and `optimizer` go to `train`. With `shrink_dropout` a dropout's rate becomes
    D_o · sqrt(C_r / C_o), C the weights of the next layer, originally and as retrained.

    Source: Han, Pool, Tran, Dally 2015. It leaves open whether σ is taken anew each round; here it
    is, over the survivors.
    """
    def cut(quality: float | dict[str, float]) -> Cut:
        def choose(pruned: nn.Module, masks: Masks) -> tuple[Masks, dict[str, float]]:
            thresholds = std_thresholds(pruned, quality, masks=masks)
            return threshold_masks(pruned, thresholds, masks=masks), thresholds
        return choose

    _check_rounds("qualities", qualities)
    for quality in qualities:  # what cannot work is refused now, not after hours
        std_thresholds(model, quality)
    return _rounds(copy.deepcopy(model), data, [cut(quality) for quality in qualities],
                   shrink_dropout,
                   {"epochs": epochs, "lr": lr, "l1": l1, "l2": l2, "teacher": teacher,
                    "optimizer": optimizer}, seed)


def prune_gradually(model: nn.Module, data: MNIST, sparsities: Sequence[float], *, epochs: int,
                    lr: float = 1e-3, l1: float = 0.0, l2: float = 0.0,
                    shrink_dropout: bool = True, teacher: nn.Module | None = None,
                    optimizer: str = "adamw", seed: int = 0) -> Iterator[Round]:
    """Prune to one sparsity after another, over all layers at once; train on after each.

    `sparsities` come from `cubic_schedule`, as a rule. The options are those of
    `prune_and_retrain`. Source: Zhu and Gupta 2017, with global scope.
    """
    def cut(share: float) -> Cut:
        def choose(pruned: nn.Module, masks: Masks) -> tuple[Masks, dict[str, float]]:
            chosen = magnitude_masks(pruned, share, masks=masks)
            return chosen, _cuts(pruned, chosen)
        return choose

    _check_rounds("sparsities", sparsities)
    for share in sparsities:
        magnitude_masks(model, share)
    if list(sparsities) != sorted(sparsities):
        raise ValueError(f"sparsities are {list(sparsities)}; allowed are shares that never fall: "
                         "what is pruned stays pruned")
    return _rounds(copy.deepcopy(model), data, [cut(share) for share in sparsities], shrink_dropout,
                   {"epochs": epochs, "lr": lr, "l1": l1, "l2": l2, "teacher": teacher,
                    "optimizer": optimizer}, seed)


def cubic_schedule(final: float, rounds: int) -> list[float]:
    """Return a sparsity for each round that rises fast at first and reaches `final` gently.

    Source: Zhu and Gupta 2017, with an initial sparsity of 0.

    >>> [round(share, 3) for share in cubic_schedule(0.8, 4)]
    [0.463, 0.7, 0.788, 0.8]
    """
    if not 0 <= final <= 1:
        raise ValueError(f"final is {final!r}; allowed is a share from 0 to 1 (90 % is 0.9)")
    if not (isinstance(rounds, int) and rounds >= 1):
        raise ValueError(f"rounds is {rounds!r}; allowed is a whole number, 1 or more")
    return [final * (1 - (1 - passed / rounds) ** 3) for passed in range(1, rounds + 1)]


def _rounds(pruned: nn.Module, data: MNIST, cuts: Sequence[Cut], shrink_dropout: bool,
            options: dict, seed: int) -> Iterator[Round]:
    """Make each cut in turn and retrain after it."""
    masks = {name: layer.weight.new_ones(layer.weight.shape).bool()
             for name, layer in prunable_layers(pruned).items()}
    rates = {name: part.p for name, part in pruned.named_modules() if isinstance(part, nn.Dropout)}
    for number, choose in enumerate(cuts, start=1):
        started = time.perf_counter()
        masks, thresholds = choose(pruned, masks)
        apply_masks(pruned, masks)
        if shrink_dropout:
            _shrink_dropout(pruned, rates, masks)
        before = evaluate(pruned, data.validation)
        train(pruned, data.train, masks=masks, seed=1000 * (seed + 1) + number, **options)
        yield Round(number, masks, copy.deepcopy(pruned.state_dict()), thresholds,
                    {name: float(mask.double().mean()) for name, mask in masks.items()},
                    before, evaluate(pruned, data.validation), time.perf_counter() - started)


def _check_rounds(argument: str, values: object) -> None:
    if not isinstance(values, list | tuple) or not values:
        raise ValueError(f"{argument} is {values!r}; allowed is a list, one value for each round")


def _shrink_dropout(model: nn.Module, rates: dict[str, float], masks: Masks) -> None:
    """Set each dropout's rate by what is left of the layer that reads through it."""
    waiting: list[str] = []
    for name, _ in model.named_modules():
        if name in rates:
            waiting.append(name)
        if name in masks:
            for dropout in waiting:
                model.get_submodule(dropout).p = rates[dropout] * float(
                    masks[name].double().mean()) ** 0.5
            waiting = []


def _cuts(model: nn.Module, masks: Masks) -> dict[str, float]:
    """Return the smallest magnitude that stays in each layer: the cut that was made there."""
    layers = prunable_layers(model)
    return {name: float(layers[name].weight.detach().abs()[mask].min())
            for name, mask in masks.items() if mask.any()}
