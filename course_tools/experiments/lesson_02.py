"""The long run of lesson 02: single weights pruned at random and by magnitude."""

from collections.abc import Callable, Mapping

from torch import nn

from course_lib.data import MNIST
from course_lib.masks import Masks, magnitude_masks, masked, random_masks
from course_lib.models import lenet_300_100
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import UNSTRUCTURED

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
