"""The long run of lesson 07: zeros in regular places, two or three of each four weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from course_lib.data import MNIST, Split
from course_lib.masks import Masks, magnitude_masks, masked
from course_lib.models import lenet_300_100, prunable_layers
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import FOURS, TUNING

WHOLE, FREE, FOUR, CHANCE = "whole network", "any", "of each four", "of each four, at random"


def two_of_four(data: MNIST, *, seed: int, recipe: Mapping = FOURS) -> list[dict]:
    """Keep two, or one, of each four weights; the control may keep as many wherever they are.

    All layers of a LeNet-300-100 keep the same share. Each network is read as it is cut, and after
    a brief retraining at the learning rate of the list that `fours_rates` found best for it.
    """
    reference, rows = _reference(data, seed, recipe), []
    for kept in recipe["kept"]:
        for runner, masks in fours_masks(reference, kept, seed).items():
            lr = recipe["rates"][str(kept)][runner]
            rows.append({"seed": seed, "kept": kept, "runner": runner, "lr": lr}
                        | _retrained(reference, masks, lr, data, data.test, seed, recipe))
    return rows


def fours_rates(data: MNIST, *, seed: int, recipe: Mapping = FOURS) -> list[dict]:
    """Retrain by every learning rate of the list, on a network of its own, read on validation."""
    seed += TUNING
    reference, rows = _reference(data, seed, recipe), []
    for kept in recipe["tuned"]:
        for runner, masks in fours_masks(reference, kept, seed).items():
            rows += [{"seed": seed, "runner": runner, "at": kept, "lr": lr}
                     | _retrained(reference, masks, lr, data, data.validation, seed, recipe)
                     for lr in recipe["list"]]
    return rows


def of_each_four(scores: Tensor, kept: int) -> Tensor:
    """Keep so many of each four neighbouring inputs, those of highest score; (outputs, inputs)."""
    groups = scores.reshape(-1, 4)
    mask = torch.zeros_like(groups, dtype=torch.bool)
    return mask.scatter(1, groups.topk(kept, dim=1).indices, True).reshape(scores.shape)


def fours_masks(model: nn.Module, kept: int, seed: int) -> dict[str, Masks]:
    """Return the masks of each runner; with all four kept the whole network alone."""
    if kept == 4:
        return {WHOLE: {}}
    weights = {name: layer.weight.detach() for name, layer in prunable_layers(model).items()}
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1))  # not that of the weights
    return {FREE: magnitude_masks(model, 1 - kept / 4, scope="layer"),
            FOUR: {name: of_each_four(weight.abs(), kept) for name, weight in weights.items()},
            CHANCE: {name: of_each_four(torch.rand(weight.shape, generator=generator), kept)
                     for name, weight in weights.items()}}


def _reference(data: MNIST, seed: int, recipe: Mapping) -> nn.Sequential:
    reference = lenet_300_100(seed)
    train(reference, data.train, **recipe["brief"], seed=seed)
    return reference


def _retrained(reference: nn.Module, masks: Masks, lr: float, data: MNIST, split: Split,
               seed: int, recipe: Mapping) -> dict:
    """Return what a network reads of a split before and after it is retrained."""
    model = masked(reference, masks)
    before = evaluate(model, split)
    train(model, data.train, masks=masks, lr=lr, **recipe["retraining"], seed=seed)
    return {"before": before, "after": evaluate(model, split)}
