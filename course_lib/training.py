"""Training and its measure: everything in memory, the same seed gives the same weights."""

import copy
import math
import os
from collections.abc import Iterator
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax
from tqdm.auto import tqdm

from course_lib._allowed import require
from course_lib._state import evaluating, seeded
from course_lib.data import Split
from course_lib.masks import Masks, apply_masks, check_masks
from course_lib.models import prunable_layers

OPTIMIZERS = {
    "adamw": lambda weights, lr, decay: torch.optim.AdamW(
        weights, lr, weight_decay=decay, fused=True),
    "adam": lambda weights, lr, decay: torch.optim.Adam(
        weights, lr, weight_decay=decay, fused=True),
    "sgd": lambda weights, lr, decay: torch.optim.SGD(
        weights, lr, momentum=0.9, weight_decay=decay, fused=True),
}


def train(model: nn.Module, split: Split, *, epochs: int, lr: float = 1e-3, batch_size: int = 128,
          optimizer: str = "adamw", masks: Masks | None = None, l1: float = 0.0, l2: float = 0.0,
          teacher: nn.Module | None = None, seed: int = 0) -> list[float]:
    """Train the model that it is given; return the mean loss of each epoch.

    `lr` falls to zero along a straight line over the call. `masks` hold pruned weights at exactly
    zero after every step, whatever momentum or decay would make of them. `l1` adds
    l1 · Σ|w| over the prunable layers to the loss; `l2` is the optimiser's weight decay (decoupled
    for "adamw"). With a `teacher` half the loss is the distance to its outputs (Hinton et al. 2015,
    temperature 2). The same model, data and seed give the same weights, bit for bit, on the same
    machine with the same number of threads. The model is left in eval mode, and whole, also where
    training is interrupted.
    """
    _check(len(split) > 0, "split", "empty", "one image or more")
    _check(isinstance(epochs, int) and epochs >= 0, "epochs", epochs, "a whole number, 0 or more")
    _check(0 < lr < math.inf, "lr", lr, "more than 0, and finite")
    _check(isinstance(batch_size, int) and batch_size >= 1, "batch_size", batch_size,
           "a whole number, 1 or more")
    _check(optimizer in OPTIMIZERS, "optimizer", optimizer, f"one of {', '.join(OPTIMIZERS)}")
    _check(0 <= l1 < math.inf, "l1", l1, "0 or more, and finite")
    _check(0 <= l2 < math.inf, "l2", l2, "0 or more, and finite")
    _check(all(bool(p.isfinite().all()) for p in model.parameters()), "model",
           "one with weights that are NaN or infinite", "one whose weights are numbers")
    if masks is not None:
        check_masks(model, masks)
        apply_masks(model, masks)
    _lay_out(model, torch.channels_last)
    stepper = OPTIMIZERS[optimizer](model.parameters(), lr, l2)
    steps = max(1, epochs * -(-len(split) // batch_size))
    schedule = torch.optim.lr_scheduler.LinearLR(stepper, 1.0, 0.0, total_iters=steps)
    guide = nullcontext() if teacher is None else evaluating(teacher)
    try:
        with seeded(seed), guide:
            return [_epoch(model.train(), split, batch_size, stepper, schedule, masks, l1, teacher)
                    for _ in tqdm(range(epochs), desc="epochs", leave=False, delay=2,
                                  disable="TQDM_DISABLE" in os.environ)]
    finally:  # also where a learner presses Stop
        if masks is not None:
            apply_masks(model, masks)
        _lay_out(model, torch.contiguous_format)
        model.eval()


def _epoch(model, split, batch_size, stepper, schedule, masks, l1, teacher) -> float:
    """Pass once over the split in a random order; return the mean loss."""
    layers = prunable_layers(model)
    pruned = {} if masks is None else {layers[name].weight: ~mask for name, mask in masks.items()}
    total = 0.0
    for images, labels in _batches(split, batch_size):
        loss = _loss(model(images), images, labels, teacher)
        if l1:
            loss = loss + l1 * sum(layer.weight.abs().sum() for layer in layers.values())
        stepper.zero_grad()
        loss.backward()
        stepper.step()
        schedule.step()
        with torch.no_grad():
            for weight, gone in pruned.items():
                weight.masked_fill_(gone, 0)
        total += loss.item() * len(labels)
    return total / len(split)


def _batches(split: Split, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    for which in torch.randperm(len(split)).split(size):
        yield split.images.index_select(0, which), split.labels.index_select(0, which)


def _loss(outputs: Tensor, images: Tensor, labels: Tensor, teacher: nn.Module | None) -> Tensor:
    loss = cross_entropy(outputs, labels)
    if teacher is None:
        return loss
    with torch.no_grad():
        wanted = log_softmax(teacher(images) / 2, dim=1)
    distance = kl_div(log_softmax(outputs / 2, dim=1), wanted, reduction="batchmean",
                      log_target=True)
    return 0.5 * loss + 0.5 * 4 * distance


def _lay_out(model: nn.Module, order: torch.memory_format) -> None:
    """Lay convolution weights out in memory; channels last is what this CPU code runs fastest."""
    model.to(memory_format=order)


def evaluate(model: nn.Module, split: Split) -> float:
    """Return the share of images whose label the model gives the highest output, from 0 to 1."""
    return float((predictions(model, split) == split.labels).double().mean())


def predictions(model: nn.Module, split: Split) -> Tensor:
    """Return the model's answer for each image, int64 (n,), in eval mode; it changes nothing."""
    _check(len(split) > 0, "split", "empty", "one image or more")
    with evaluating(model), torch.inference_mode():
        return torch.cat([model(images).argmax(1) for images in split.images.split(1_000)])


def reestimate_batch_norm(model: nn.Module, split: Split, *, images: int = 2_000) -> nn.Module:
    """Return a copy whose batch norms have estimated their means and variances anew.

    Pruning changes what comes into a batch norm, and the statistics that it stored in training no
    longer fit. Here the first `images` of the split pass through, about 500 at a time, and the new
    statistics are the plain averages of those of the batches. No label is read, no weight changes,
    dropout is off. Fewer than two images raise ValueError. Source: Li et al. 2020 (EagleEye).
    """
    chosen = split[:images].images
    require(len(chosen) > 1, "split[:images]", f"{len(chosen)} images", "two images or more")
    model = copy.deepcopy(model)
    norms = {part: part.momentum for part in model.modules()
             if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)}
    with evaluating(model), torch.no_grad():
        for norm in norms:
            norm.reset_running_stats()
            norm.train().momentum = None  # a plain average
        for batch in chosen.tensor_split(-(-len(chosen) // 500)):
            model(batch)
    for norm, momentum in norms.items():
        norm.momentum = momentum
    return model


def _check(fine: bool, argument: str, value: object, allowed: str) -> None:
    if not fine:
        raise ValueError(f"{argument} is {value!r}; allowed is {allowed}")
