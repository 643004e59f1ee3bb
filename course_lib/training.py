"""Training and its measure: everything in memory, the same seed gives the same weights."""

import copy
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax
from torch.optim import SGD, Adam, AdamW
from torch.optim.lr_scheduler import LinearLR
from tqdm.auto import tqdm

from course_lib._allowed import check_size, check_whole, require
from course_lib._state import evaluating, seeded
from course_lib.data import Split
from course_lib.masks import Masks, apply_masks
from course_lib.models import prunable_layers

OPTIMIZERS = {"adamw": AdamW, "adam": Adam, "sgd": partial(SGD, momentum=0.9)}


def train(model: nn.Module, split: Split, *, epochs: int, lr: float = 1e-3, batch_size: int = 128,
          optimizer: str = "adamw", masks: Masks | None = None, l1: float = 0.0, l2: float = 0.0,
          teacher: nn.Module | None = None, seed: int = 0) -> list[float]:
    """Train the model that it is given; return the mean loss of each epoch.

    `lr` falls to zero along a straight line. `masks` hold pruned weights at exactly zero after each
    step, whatever momentum or decay would make of them. `l1` adds l1 · Σ|w| over the prunable
    layers to the loss; `l2` is the optimizer's weight decay (decoupled for "adamw"). With a
    `teacher` half the loss is the distance to its outputs (Hinton et al. 2015, temperature 2). The
    same model, data and seed give the same weights, bit for bit, on the same machine and threads.
    The model is left in eval mode with its masks in force, also where training is interrupted.
    """
    _check(model, split, epochs, lr, batch_size, optimizer, l1, l2)
    optimizer = OPTIMIZERS[optimizer](model.parameters(), lr=lr, weight_decay=l2, fused=True)
    schedule = LinearLR(optimizer, 1.0, 0.0, max(1, epochs * math.ceil(len(split) / batch_size)))
    totals, teaching = [0.0] * epochs, evaluating(teacher or nn.Identity())
    with _training(model, masks or {}) as pruned, teaching, seeded(seed):
        for epoch in tqdm(range(epochs), desc="epochs", leave=False, delay=2,
                          disable="TQDM_DISABLE" in os.environ):
            for images, labels in batches(split, batch_size):
                loss = loss_of(model, images, labels, teacher, l1)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                for weight, where in pruned:  # back to zero
                    weight.data.masked_fill_(where, 0)
                totals[epoch] += loss.item() * len(labels)
    return [total / len(split) for total in totals]


def loss_of(model: nn.Module, images: Tensor, labels: Tensor, teacher: nn.Module | None = None,
            l1: float = 0.0) -> Tensor:
    """Return what `train` lowers, for one batch: see there for teacher and penalty."""
    outputs = model(images)
    loss = cross_entropy(outputs, labels)
    if teacher is not None:
        with torch.no_grad():
            wanted = log_softmax(teacher(images) / 2, dim=1)
        distance = kl_div(log_softmax(outputs / 2, dim=1), wanted, reduction="batchmean",
                          log_target=True)
        loss = 0.5 * loss + 0.5 * 4 * distance
    if l1:
        layers = prunable_layers(model).values()
        loss = loss + l1 * sum(layer.weight.abs().sum() for layer in layers)
    return loss


def batches(split: Split, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield all images and labels once, so many at a time, shuffled by torch's random numbers."""
    for indices in torch.randperm(len(split)).split(size):
        yield split.images.index_select(0, indices), split.labels.index_select(0, indices)


@contextmanager
def _training(model: nn.Module, masks: Masks) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Put a model in train mode; lend its weights that have a mask, and where those are pruned."""
    apply_masks(model, masks)
    layers = prunable_layers(model)
    try:
        model.to(memory_format=torch.channels_last).train()  # what this CPU code runs fastest
        yield [(layers[name].weight, ~mask) for name, mask in masks.items()]
    finally:  # also where a learner presses Stop
        apply_masks(model, masks)
        model.to(memory_format=torch.contiguous_format).eval()


def _check(model: nn.Module, split: Split, epochs: int, lr: float, batch_size: int, optimizer: str,
           l1: float, l2: float) -> None:
    require(len(split) > 0, "len(split)", 0, "1 or more")
    check_whole("epochs", epochs, 0)
    check_whole("batch_size", batch_size)
    require(0 < lr < math.inf, "lr", lr, "more than 0, and finite")
    require(optimizer in OPTIMIZERS, "optimizer", optimizer, f"one of {', '.join(OPTIMIZERS)}")
    check_size("l1", l1)
    check_size("l2", l2)
    for name, values in model.named_parameters():
        require(bool(values.isfinite().all()), f"a value in {name}", math.nan, "finite")


def evaluate(model: nn.Module, split: Split) -> float:
    """Return the share of images whose label the model gives the highest output, from 0 to 1."""
    return float((predictions(model, split) == split.labels).double().mean())


def predictions(model: nn.Module, split: Split) -> Tensor:
    """Return the model's answer for each image, int64 (n,), in eval mode; it changes nothing."""
    require(len(split) > 0, "len(split)", 0, "1 or more")
    with evaluating(model), torch.inference_mode():
        return torch.cat([model(images).argmax(1) for images in split.images.split(1_000)])


def reestimate_batch_norm(model: nn.Module, split: Split, *, images: int = 2_000) -> nn.Module:
    """Return a copy whose batch norms have estimated their means and variances anew.

    Those of training do not fit what comes into it after pruning. The first `images` of the split
    pass through, about 500 at a time; the new statistics are the plain averages of the batches'. No
    label is read, no weight changes, dropout is off. Fewer than two images raise ValueError.
    Source: Li et al. 2020 (EagleEye).
    """
    chosen, model = split[:images].images, copy.deepcopy(model)
    require(len(chosen) > 1, "len(split[:images])", len(chosen), "2 or more")
    norms = {part: part.momentum for part in model.modules()
             if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)}
    with evaluating(model), torch.no_grad():
        for norm in norms:
            norm.reset_running_stats()
            norm.train().momentum = None  # a plain average
        for batch in chosen.tensor_split(math.ceil(len(chosen) / 500)):
            model(batch)
    for norm, momentum in norms.items():
        norm.momentum = momentum
    return model
