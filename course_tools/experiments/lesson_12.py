"""The long runs of lesson 12: nothing retrained, masks and values told apart."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from course_lib.data import MNIST, Split
from course_lib.masks import Masks, keep_top, magnitude_masks, masked, random_masks
from course_lib.models import lenet_300_100, vgg_mini
from course_lib.scores import fisher_scores, wanda_scores
from course_lib.surgery import refit, row_masks, sparsegpt
from course_lib.training import evaluate, reestimate_batch_norm, train

from course_tools.experiments.lesson_05 import over_all
from course_tools.experiments.recipes import (
    CALIBRATION,
    SURGERY,
    SURGERY_CONVOLUTIONS,
    first_images,
)

Scores = dict[str, Tensor]


def surgery(data: MNIST, *, seed: int, recipe: Mapping = SURGERY) -> list[dict]:
    """Prune one LeNet-300-100 by many masks: old values, refitted ones, and one epoch's.

    "old" are the values as they were, "column by column" what SparseGPT leaves, "refitted" a new
    fit by least squares, "retrained" one epoch, at the rate of the list that `budget_rates` found
    best for this mask. Every row says what is read of validation and of test.
    """
    model = _reference(data, seed, recipe)
    split = calibration(data, seed, recipe["images"])
    images, rows = split.images, [_row(seed, 0.0, "whole", "old", model, data)]
    scores = {"Fisher": fisher_scores(model, split), "Wanda": wanda_scores(model, images)}
    for share in recipe["sparsities"]:
        for mask, masks in choices(model, scores, share, seed).items():
            for values, network in valued(model, masks, images, mask in recipe["refitted"]):
                rows.append(_row(seed, share, mask, values, network, data))
            if mask in recipe["rates"].get(str(share), {}):
                network = masked(model, masks)
                lr = recipe["rates"][str(share)][mask]
                train(network, data.train, masks=masks, lr=lr, **recipe["retraining"], seed=seed)
                rows.append(_row(seed, share, mask, "retrained", network, data) | {"lr": lr})
        rows += _column_by_column(model, share, images, seed, data)
    return rows


def calibration_images(data: MNIST, *, seed: int, recipe: Mapping = CALIBRATION) -> list[dict]:
    """Refit and SparseGPT with few images or many, and with little damping or much."""
    model, rows = _reference(data, seed, recipe), []
    share = recipe["sparsity"]
    masks = magnitude_masks(model, share)
    for count in recipe["counts"]:
        images = calibration(data, seed, count).images
        for damping in recipe["dampings"]:
            found = {"refitted": refit(model, masks, images, damping=damping),
                     "column by column": sparsegpt(model, budget(masks), images,
                                                   damping=damping)[0]}
            rows += [_row(seed, share, "magnitude's budgets", values, network, data)
                     | {"images": count, "damping": damping} for values, network in found.items()]
    return rows


def surgery_convolutions(data: MNIST, *, seed: int, recipe: Mapping = SURGERY_CONVOLUTIONS
                         ) -> list[dict]:
    """Prune single weights of vgg_mini: refitted, or only batch norm's statistics anew."""
    model, rows = vgg_mini(seed), []
    train(model, first_images(data, recipe["trained"]).train, **recipe["brief"], seed=seed)
    images = calibration(data, seed, recipe["images"]).images
    rows.append(_row(seed, 0.0, "whole", "old", model, data))
    for share in recipe["sparsities"]:
        masks = magnitude_masks(model, share)
        for values, network in valued(model, masks, images, True):
            anew = reestimate_batch_norm(network, data.train)
            rows += [_row(seed, share, "magnitude", values, network, data),
                     _row(seed, share, "magnitude", f"{values}, statistics anew", anew, data)]
    return rows


def _reference(data: MNIST, seed: int, recipe: Mapping) -> nn.Sequential:
    model = lenet_300_100(seed)
    train(model, data.train, **recipe["brief"], seed=seed)
    return model


def calibration(data: MNIST, seed: int, count: int) -> Split:
    """Return so many training images, drawn by the seed; of two draws one holds the other."""
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1))  # not that of the weights
    drawn = torch.randperm(len(data.train), generator=generator)[:count]
    return Split(data.train.images[drawn], data.train.labels[drawn])


def budget(masks: Masks) -> dict[str, float]:
    """Return the share of zeros in each layer."""
    return {name: 1 - float(mask.double().mean()) for name, mask in masks.items()}


def choices(model: nn.Module, scores: Mapping[str, Scores], sparsity: float, seed: int
            ) -> dict[str, Masks]:
    """Return masks of one sparsity by who chooses, and by who sets the layers' budgets."""
    by_size = magnitude_masks(model, sparsity)
    shares, wanda = budget(by_size), scores["Wanda"]
    by_row, by_layer = row_masks(wanda, sparsity), {
        name: keep_top(score, sparsity) for name, score in wanda.items()}
    last = list(wanda)[-1]
    return {
        "magnitude": by_size,
        "magnitude, same share": magnitude_masks(model, sparsity, scope="layer"),
        "random, magnitude's budgets": random_masks(model, shares, seed=seed),
        "random, same share": random_masks(model, sparsity, seed=seed),
        "Fisher": over_all(scores["Fisher"], sparsity),
        "Wanda by row": by_row,
        "Wanda by layer": by_layer,
        "Wanda by layer, the last by row": by_layer | {last: by_row[last]},
        "Wanda over all": over_all(wanda, sparsity),
        "Wanda by row, magnitude's budgets": {
            name: row_masks({name: score}, shares[name])[name] for name, score in wanda.items()},
        "Wanda by layer, magnitude's budgets": {
            name: keep_top(score, shares[name]) for name, score in wanda.items()},
    }


def valued(model: nn.Module, masks: Masks, images: Tensor, anew: bool
           ) -> Iterator[tuple[str, nn.Module]]:
    """Yield the network with the survivors' old values and, if they are asked for, new ones."""
    yield "old", masked(model, masks)
    if anew:
        yield "refitted", refit(model, masks, images)


def _column_by_column(model: nn.Module, share: float, images: Tensor, seed: int, data: MNIST
                      ) -> list[dict]:
    """Return the rows of SparseGPT: its network, its mask with old values, its mask refitted."""
    rows = []
    shares = {"SparseGPT, same share": share,
              "SparseGPT, magnitude's budgets": budget(magnitude_masks(model, share))}
    for mask, each in shares.items():
        network, masks = sparsegpt(model, each, images)
        rows.append(_row(seed, share, mask, "column by column", network, data))
        rows += [_row(seed, share, mask, values, other, data)
                 for values, other in valued(model, masks, images, True)]
    return rows


def _row(seed: int, sparsity: float, mask: str, values: str, network: nn.Module, data: MNIST
         ) -> dict:
    return {"seed": seed, "sparsity": sparsity, "mask": mask, "values": values,
            "validation": evaluate(network, data.validation), "test": evaluate(network, data.test)}
