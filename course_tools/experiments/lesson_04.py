"""The long run of lesson 04: filters, single weights and narrow networks of one size."""

import copy
from collections.abc import Mapping

import torch
from torch import nn

from course_lib._state import seeded
from course_lib.chains import build_chain, chain_config
from course_lib.data import MNIST
from course_lib.masks import Keep, Masks, apply_masks, keep_top, magnitude_masks
from course_lib.measure import nonzero_weights
from course_lib.models import prunable_layers, vgg_mini
from course_lib.removal import remove_units
from course_lib.scores import unit_scores
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import RACE


def race(data: MNIST, *, seed: int, recipe: Mapping = RACE) -> list[dict]:
    """Leave vgg_mini as many weights in four ways, and retrain each for 3 epochs.

    Whole filters (and neurons) of smallest L1 norm, or at random; single weights; and a network of
    that size trained from first weights, for as many epochs as the others had in all.
    """
    reference, brief = vgg_mini(seed), recipe["brief"]
    train(reference, data.train, **brief, seed=seed)
    rows = []
    for share in recipe["kept"]:
        for kind, (model, masks) in _runners(reference, share, seed).items():
            before = evaluate(model, data.test)
            options = {"epochs": 3, "lr": 1e-3} if kind != "narrow from scratch" else (
                brief | {"epochs": brief["epochs"] + 3})
            train(model, data.train, **options, masks=masks, seed=seed)
            rows.append({"seed": seed, "kept": share, "kind": kind, "before": before,
                         "after": evaluate(model, data.test),
                         "nonzero": nonzero_weights(model)})
    return rows


def _runners(reference: nn.Sequential, share: float, seed: int
             ) -> dict[str, tuple[nn.Sequential, Masks | None]]:
    """Return the four networks of the race, before they are retrained, with their masks."""
    layers = prunable_layers(reference)
    all_weights = sum(layer.weight.numel() for layer in layers.values())
    removed = remove_units(reference, filters_kept(reference, share))
    weights = sum(layer.weight.numel() for layer in prunable_layers(removed).values())
    masks = magnitude_masks(reference, 1 - weights / all_weights)
    sparse = copy.deepcopy(reference)
    apply_masks(sparse, masks)
    with seeded(seed):
        narrow = build_chain(chain_config(removed))
    return {"filters by L1": (removed, None),
            "random filters": (remove_units(reference, filters_kept(reference, share, seed)), None),
            "single weights": (sparse, masks),
            "narrow from scratch": (narrow, None)}


def filters_kept(model: nn.Sequential, share: float, seed: int | None = None) -> Keep:
    """Return the filters and neurons to keep: this share of each hidden layer, by their L1 norm.

    With a seed, at random.
    """
    lots = None if seed is None else torch.Generator().manual_seed(seed)
    keep = {}
    for name, layer in list(prunable_layers(model).items())[:-1]:
        kind = "filter" if isinstance(layer, nn.Conv2d) else "neuron"
        scores = unit_scores(layer.weight, kind) if lots is None else (
            torch.rand(layer.weight.shape[0], generator=lots))
        keep[name] = keep_top(scores, 1 - share).nonzero().flatten()
    return keep
