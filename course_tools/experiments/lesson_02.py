"""The long runs of lesson 02: single weights pruned at random and by magnitude."""

from collections.abc import Callable, Mapping

from torch import nn

from course_lib.data import MNIST, Split
from course_lib.masks import Masks, magnitude_masks, masked, random_masks
from course_lib.models import lenet_300_100
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import BUDGETS, TUNING, UNSTRUCTURED

METHODS: dict[str, Callable[[nn.Module, float, int], Masks]] = {
    "random": lambda model, share, seed: random_masks(model, share, seed=seed),
    "layer": lambda model, share, seed: magnitude_masks(model, share, scope="layer"),
    "global": lambda model, share, seed: magnitude_masks(model, share, scope="global"),
}


def unstructured(data: MNIST, *, seed: int, recipe: Mapping = UNSTRUCTURED) -> list[dict]:
    """Prune one LeNet-300-100 at random and by magnitude at every sparsity, then retrain 3 epochs.

    Sparsity 0 is the control: the same 3 epochs, nothing pruned.
    """
    reference = lenet_300_100(seed)
    train(reference, data.train, **recipe["brief"], seed=seed)
    rows = []
    for method, choose in METHODS.items():
        for share in recipe["sparsities"]:
            masks = choose(reference, share, seed)
            model = masked(reference, masks)
            before = evaluate(model, data.test)
            train(model, data.train, epochs=3, masks=masks, seed=seed)
            rows.append({"seed": seed, "method": method, "sparsity": share,
                         "before": before, "after": evaluate(model, data.test)})
    return rows


def budgets(data: MNIST, *, seed: int, recipe: Mapping = BUDGETS) -> list[dict]:
    """Tell budget from choice: magnitude and chance, each with uniform and with global budgets.

    The budget says how many weights each layer keeps, the choice which. "global" is what magnitude
    keeps when all layers compete. Each is retrained briefly, at the learning rate of the list that
    `budget_rates` found best for it; the row of budget "none" is the unpruned network, retrained.
    """
    reference, rows = _reference(data, seed, recipe), []
    for share in recipe["sparsities"]:
        for (budget, choice), masks in _two_by_two(reference, share, seed).items():
            lr = recipe["rates"][str(share)][f"{budget} {choice}"]
            row = {"seed": seed, "budget": budget, "choice": choice, "sparsity": share, "lr": lr}
            rows.append(row | _retrained(reference, masks, lr, data, data.test, seed, recipe))
    return rows


def budget_rates(data: MNIST, *, seed: int, recipe: Mapping = BUDGETS) -> list[dict]:
    """Retrain by every learning rate of the list, on a network of its own, read on validation."""
    seed += TUNING
    reference, rows = _reference(data, seed, recipe), []
    for share in recipe["sparsities"]:
        for (budget, choice), masks in _two_by_two(reference, share, seed).items():
            rows += [{"seed": seed, "runner": f"{budget} {choice}", "at": share, "lr": lr}
                     | _retrained(reference, masks, lr, data, data.validation, seed, recipe)
                     for lr in recipe["list"]]
    return rows


def _reference(data: MNIST, seed: int, recipe: Mapping) -> nn.Sequential:
    reference = lenet_300_100(seed)
    train(reference, data.train, **recipe["brief"], seed=seed)
    return reference


def _two_by_two(reference: nn.Module, share: float, seed: int
                ) -> dict[tuple[str, str], Masks | None]:
    """Return masks by budget and choice; at sparsity 0 none."""
    if share == 0:
        return {("none", "none"): None}
    by_size = magnitude_masks(reference, share)
    budget = {name: 1 - float(mask.double().mean()) for name, mask in by_size.items()}
    return {("uniform", "magnitude"): magnitude_masks(reference, share, scope="layer"),
            ("uniform", "random"): random_masks(reference, share, seed=seed),
            ("global", "magnitude"): by_size,
            ("global", "random"): random_masks(reference, budget, seed=seed)}


def _retrained(reference: nn.Module, masks: Masks | None, lr: float, data: MNIST, split: Split,
               seed: int, recipe: Mapping) -> dict:
    """Return what a network reads of a split before and after it is retrained."""
    model = masked(reference, masks or {})
    before = evaluate(model, split)
    train(model, data.train, masks=masks, lr=lr, **recipe["retraining"], seed=seed)
    return {"before": before, "after": evaluate(model, split)}
