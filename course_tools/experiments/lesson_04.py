"""The long runs of lesson 04: filters, single weights and narrow networks of one size."""

import copy
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib._state import seeded
from course_lib.chains import build_chain, chain_config
from course_lib.data import MNIST, Split
from course_lib.masks import Masks, apply_masks, magnitude_masks, unit_masks, units_to_keep
from course_lib.measure import measure, nonzero_weights
from course_lib.models import prunable_layers, vgg_mini
from course_lib.removal import remove_units
from course_lib.scores import unit_scores
from course_lib.training import evaluate, reestimate_batch_norm, train

from course_tools.experiments.dense import weights_of
from course_tools.experiments.recipes import FILTER_RACE, TUNING

UNIT_RUNNERS = ("filters by L1", "channels by L1", "random filters")
ALL = "whole network"
EPOCHS, COMPUTE = "small from scratch, as many epochs", "small from scratch, as much compute"
LONGER = "filters by L1, as long as from scratch"
RATE_OF = {COMPUTE: EPOCHS, LONGER: "filters by L1"}  # these take the rates of others


def filter_race(data: MNIST, *, seed: int, recipe: Mapping = FILTER_RACE) -> list[dict]:
    """Leave vgg_mini as many weights in several ways, and retrain each on equal terms.

    Every runner sees the same images, pays the same decay, and has the learning rate of the one
    list that `race_rates` found best for it. The small networks begin with weights drawn anew, and
    train for as many epochs as a pruned one did in all, or for as many multiplications. `LONGER`
    turns it round: filters by L1, retrained for as many epochs as a small network trains for.
    """
    reference, rows = _reference(data, seed, recipe), []
    for kept, tuned in recipe["kept"].items():
        line_up = _line_up(reference, float(kept), seed, recipe)
        for runner, (model, masks, epochs) in line_up.items():
            lr = recipe["rates"][tuned][RATE_OF.get(runner, runner)]
            _retrain(model, masks, epochs, lr, data, seed, recipe)
            rows.append({"seed": seed, "kept": float(kept), "runner": runner, "epochs": epochs,
                         "lr": lr, "nonzero": nonzero_weights(model),
                         "macs": measure(model).macs, "after": evaluate(model, data.test)})
    return rows


def race_rates(data: MNIST, *, seed: int, recipe: Mapping = FILTER_RACE) -> list[dict]:
    """Retrain by every learning rate of the list, on a network of its own, read on validation."""
    seed += TUNING
    reference, rows = _reference(data, seed, recipe), []
    for kept in recipe["tuned"]:
        for lr in recipe["list"]:
            for runner, (model, masks, epochs) in _line_up(reference, kept, seed, recipe).items():
                if runner not in RATE_OF:
                    _retrain(model, masks, epochs, lr, data, seed, recipe)
                    rows.append({"seed": seed, "runner": runner, "at": kept, "lr": lr,
                                 "after": evaluate(model, data.validation)})
    return rows


def batch_norm(data: MNIST, *, seed: int, recipe: Mapping = FILTER_RACE) -> list[dict]:
    """Prune vgg_mini, retrain nothing: with the statistics as they were, and estimated anew.

    Rows of layer "all" read the test split, and those of one layer, the sensitivity scan, the first
    validation images.
    """
    reference, rows = _reference(data, seed, recipe), []
    for kept in recipe["stale"]:
        for runner in ("filters by L1", "random filters", "single weights"):
            model, _, _ = _line_up(reference, kept, seed, recipe)[runner]
            rows.append({"seed": seed, "layer": "all", "runner": runner, "kept": kept}
                        | _stale_and_anew(model, data, data.test))
    for layer in list(prunable_layers(reference))[:-1]:
        for kept in recipe["scanned"]:
            model = remove_units(reference, units_to_keep(reference, {layer: 1 - kept}))
            rows.append({"seed": seed, "layer": layer, "runner": "filters by L1", "kept": kept}
                        | _stale_and_anew(model, data, data.validation[:2_000]))
    return rows


def _reference(data: MNIST, seed: int, recipe: Mapping) -> nn.Sequential:
    model = vgg_mini(seed)
    train(model, data.train[:recipe["images"]], **recipe["brief"], seed=seed)
    return model


def _retrain(model: nn.Sequential, masks: Masks | None, epochs: int, lr: float, data: MNIST,
             seed: int, recipe: Mapping) -> None:
    options = recipe["brief"] | {"epochs": epochs, "lr": lr}
    train(model, data.train[:recipe["images"]], masks=masks, **options, seed=seed)


def _line_up(reference: nn.Sequential, kept: float, seed: int, recipe: Mapping
             ) -> dict[str, tuple[nn.Sequential, Masks | None, int]]:
    """Return each runner before it is retrained, with its masks and epochs; at 1 the network."""
    brief, again = recipe["brief"]["epochs"], recipe["retraining"]["epochs"]
    if kept == 1:
        return {ALL: (copy.deepcopy(reference), None, again)}
    keeps = {name: units_to_keep(reference, 1 - kept, scores=scores)
             for name, scores in filter_scores(reference, seed).items()}
    runners = {name: (remove_units(reference, keep), None, again) for name, keep in keeps.items()}
    small = runners["filters by L1"][0]
    if kept in recipe["tuned"]:
        runners[LONGER] = (copy.deepcopy(small), None, brief + again)
    for name, masks in _masks(reference, nonzero_weights(small)).items():
        runners[name] = (copy.deepcopy(reference), masks, again)
        apply_masks(runners[name][0], masks)
    compute = round(brief * measure(reference).macs / measure(small).macs) + again
    for name, epochs in ((EPOCHS, brief + again), (COMPUTE, compute)):
        if name == EPOCHS or kept in recipe["computed"]:
            with seeded(seed):
                runners[name] = (build_chain(chain_config(small)), None, epochs)
    return runners


def filter_scores(model: nn.Sequential, seed: int) -> dict[str, dict[str, Tensor]]:
    """Score the hidden units of each layer: by who makes them, by who reads them, at random."""
    layers = list(prunable_layers(model).items())
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1))  # not that of the weights
    scores: dict[str, dict[str, Tensor]] = {name: {} for name in UNIT_RUNNERS}
    for (name, maker), (_, reader) in pairwise(layers):
        made = unit_scores(maker.weight, "filter" if maker.weight.dim() == 4 else "neuron")
        read = unit_scores(reader.weight, "channel" if reader.weight.dim() == 4 else "column")
        random = torch.rand(len(made), generator=generator)
        each = (made, read.reshape(len(made), -1).sum(1), random)
        for runner, score in zip(UNIT_RUNNERS, each, strict=True):
            scores[runner][name] = score
    return scores


def _masks(model: nn.Sequential, nonzero: int) -> dict[str, Masks]:
    """Return masks that keep about so many weights: the columns, or the weights, that are large."""
    gone = 1 - nonzero / weights_of(model)
    return {"columns by L1": unit_masks(model, gone, "column"),
            "single weights": magnitude_masks(model, gone)}


def _stale_and_anew(model: nn.Sequential, data: MNIST, split: Split) -> dict:
    """Return what a network reads by the stored statistics, and by those of the training images."""
    anew = reestimate_batch_norm(model, data.train)
    return {"nonzero": nonzero_weights(model), "stale": evaluate(model, split),
            "reestimated": evaluate(anew, split)}
