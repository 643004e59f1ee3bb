"""The long runs of lesson 11: what came after Han, ablated, and penalties under two optimizers.

Each function takes the data and one task, and returns rows for the figure's file. Learning rates
are chosen on validation, on networks of seed TUNING, which no other file has; the levels stood in
the recipes before the first run. "test" decides nothing.
"""

import copy
import functools
from collections.abc import Mapping
from itertools import product

import torch
from torch import Tensor, nn

from course_lib.data import MNIST, Split
from course_lib.masks import magnitude_masks, masked
from course_lib.measure import nonzero_weights
from course_lib.models import ARCHITECTURES, load_trained
from course_lib.regrowth import effective_weights
from course_lib.search import drop
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import PENALTIES, RECORDS, REGROWTH, TUNING, first_images
from course_tools.experiments.regrowing import prune_while_training

WAYS = tuple({"schedule": schedule, "regrowth": regrowth, "teacher": teacher}
             for schedule in ("at once", "long")
             for regrowth, teacher in product((False, True), (False, True)))
# Cut at once, nothing has the time to return: with regrowth it is the same network.
CELLS = tuple(way for way in WAYS if way["schedule"] == "long" or not way["regrowth"])


class Recalled(nn.Module):
    """Answer training images as several networks do on average, computed once.

    An image is found again by the hash of its bytes; one that it has not seen raises KeyError.
    """

    def __init__(self, networks: list[nn.Module], images: Tensor) -> None:
        """Ask the networks, in eval mode, about all images, float32 (n, 1, 28, 28)."""
        super().__init__()
        with torch.no_grad():
            self.outputs = torch.cat([sum(network(batch) for network in networks) / len(networks)
                                      for batch in images.split(500)])
        self.places = {key: place for place, key in enumerate(_keys(images))}

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean outputs, (n, 10)."""
        return self.outputs[[self.places[key] for key in _keys(images)]]


def _keys(images: Tensor) -> list[int]:
    return [hash(image.tobytes()) for image in images.numpy()]


@functools.lru_cache(maxsize=1)
def _of_shipped(names: tuple[str, ...], images: Tensor) -> Recalled:
    return Recalled([load_trained(name) for name in names], images)


def pruned(start: nn.Module, split: Split, times: float, teacher: nn.Module | None, plan: Mapping,
           *, schedule: str, regrowth: bool, lr: float, l1: float = 0.0, seed: int) -> nn.Module:
    """Return a copy with so many times fewer weights, trained for plan["epochs"] in all.

    "long": the sparsity rises for plan["rising"] epochs; "at once": within the first. One epoch
    more brings `lr` to zero; what is left trains under frozen masks from plan["lr"] to zero.
    """
    model = copy.deepcopy(start)
    rising = plan["rising"] if schedule == "long" else 1
    masks = prune_while_training(model, split, 1 - 1 / times, rising=rising, resting=1, lr=lr,
                                 regrowth=regrowth, every=plan["every"], teacher=teacher,
                                 l1=l1, seed=seed)
    train(model, split, epochs=plan["epochs"] - rising - 1, lr=plan["lr"], masks=masks,
          teacher=teacher, l1=l1, seed=seed + 1000)
    return model


def called(way: Mapping) -> str:
    """Return a way's name, such as "long, regrowth, teacher"."""
    return ", ".join([way["schedule"], *(step for step in ("regrowth", "teacher") if way[step])])


def regrowth_rates(data: MNIST, *, schedule: str, regrowth: bool, teacher: bool, seed: int,
                   recipe: Mapping) -> list[dict]:
    """Try each learning rate of the list on a network that is reported nowhere."""
    data, seed = first_images(data, recipe["images"]), TUNING + seed
    way = {"schedule": schedule, "regrowth": regrowth, "teacher": teacher}
    start = _start(data, seed, recipe)
    return [{"seed": seed} | way | {"lr": lr, "validation": evaluate(
                _one_way(start, data, way, recipe, lr=lr, seed=seed), data.validation)}
            for lr in recipe["list"]]


def regrowth(data: MNIST, *, seed: int, recipe: Mapping = REGROWTH) -> list[dict]:
    """Prune one network in each of six ways, all for as many epochs; first it as it was."""
    data = first_images(data, recipe["images"])
    start = _start(data, seed, recipe)
    rows = [{"seed": seed, "schedule": "none"} | _described(start, data)]
    for cell in CELLS:
        lr = recipe["rates"][called(cell)]
        model = _one_way(start, data, cell, recipe, lr=lr, seed=seed)
        rows.append({"seed": seed} | cell | {"lr": lr} | _described(model, data, start))
    return rows


def _one_way(start: nn.Module, data: MNIST, way: Mapping, recipe: Mapping, *, lr: float, seed: int
             ) -> nn.Module:
    taught = (_of_shipped(tuple(recipe["teacher"]), data.train.images) if way["teacher"]
              else None)
    return pruned(start, data.train, recipe["times"], taught, recipe, schedule=way["schedule"],
                  regrowth=way["regrowth"], lr=lr, seed=seed)


def records_rates(data: MNIST, *, network: str, seed: int, recipe: Mapping) -> list[dict]:
    """Try each learning rate under each L1 in briefer training, on a seed reported nowhere."""
    plan, seed = recipe[network] | recipe[network]["tuning"], TUNING + seed
    start, taught = _to_a_record(data, network, seed, recipe)
    return [{"network": network, "seed": seed, "lr": lr, "l1": l1, "validation": evaluate(
                pruned(start, data.train, plan["times"], taught, plan, **recipe["way"], lr=lr,
                       l1=l1, seed=seed), data.validation)}
            for lr, l1 in product(*plan["list"].values())]


def records(data: MNIST, *, network: str, seed: int, recipe: Mapping = RECORDS) -> list[dict]:
    """Prune one network as far as a published record, by the one way that the recipe names."""
    plan = recipe[network]
    start, taught = _to_a_record(data, network, seed, recipe)
    model = pruned(start, data.train, plan["times"], taught, plan, seed=seed, **recipe["way"],
                   **plan["rates"])
    return [{"network": network, "seed": seed, "times": plan["times"]}
            | _described(model, data, start)]


def _to_a_record(data: MNIST, network: str, seed: int, recipe: Mapping
                 ) -> tuple[nn.Module, nn.Module]:
    start = ARCHITECTURES[network](seed)
    train(start, data.train, **recipe[network]["reference"], seed=seed)
    start.to(memory_format=torch.channels_last)  # as in `train`: what this runs fastest
    return start, _of_shipped(tuple(recipe["teacher"]), data.train.images)


def _start(data: MNIST, seed: int, recipe: Mapping) -> nn.Module:
    start = ARCHITECTURES["lenet_300_100"](seed)
    train(start, data.train, **recipe["reference"], seed=seed)
    return start


def _described(model: nn.Module, data: MNIST, rival: nn.Module | None = None) -> dict:
    """Return what a network reads and keeps, counted both ways, and what it lost beside a rival."""
    lost = drop(rival, model, data.test) if rival is not None else None
    return {"validation": evaluate(model, data.validation), "test": evaluate(model, data.test),
            "nonzero": nonzero_weights(model),
            "effective": sum(int(mask.sum()) for mask in effective_weights(model).values())} | (
                {"against": {"reference": [lost.lost, lost.gained]}} if lost else {})


def penalties(data: MNIST, *, seed: int, recipe: Mapping = PENALTIES) -> list[dict]:
    """Train under each penalty at each strength, cut, and retrain under it; an optimizer each."""
    data, rows = first_images(data, recipe["images"]), []
    for optimizer, plan in recipe["optimizers"].items():
        for penalty, strength in ((each, strength) for each in ("l1", "l2")
                                  for strength in plan[each]):
            options = {"lr": plan["lr"], "optimizer": optimizer, penalty: strength, "seed": seed}
            rows.append({"seed": seed, "optimizer": optimizer, "penalty": penalty,
                         "strength": strength} | _under(options, data, recipe))
    return rows


def _under(options: Mapping, data: MNIST, recipe: Mapping) -> dict:
    """Return what a network reads whole, cut, and cut and retrained, all under these options."""
    model = ARCHITECTURES["lenet_300_100"](options["seed"])
    train(model, data.train, epochs=recipe["epochs"], **options)
    masks = magnitude_masks(model, recipe["sparsity"])
    cut = masked(model, masks)
    found = {"validation": evaluate(model, data.validation),
             "reference": evaluate(model, data.test), "before": evaluate(cut, data.test)}
    train(cut, data.train, epochs=recipe["retraining"], masks=masks, **options)
    return found | {"validation_after": evaluate(cut, data.validation),
                    "after": evaluate(cut, data.test)}
