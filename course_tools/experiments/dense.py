"""Dense rivals of a pruned network: other shapes with as many weights, trained from the start.

A shape says which layers are "wide", {layer: factor beside the others}; with "pool" the network
reads the mean of every 2 x 2 pixels. "low rank" is the trained reference with two thin layers in
the place of each wide one, retrained. Learning rate and decay of each shape are the best that
`dense_rates` found on validation, under a seed that no figure reports. Which shape is the rival of
a seed, its validation accuracy decides; "test" decides nothing.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from operator import itemgetter

import torch
from torch import nn

from course_lib._state import seeded
from course_lib.chains import build_chain, chain_config
from course_lib.data import MNIST
from course_lib.models import ARCHITECTURES, prunable_layers
from course_lib.removal import remove_units
from course_lib.training import evaluate, predictions, train

from course_tools.experiments.images import packed
from course_tools.experiments.recipes import DENSE, HAN, TUNING, first_images


def dense(data: MNIST, *, seed: int, network: str, shape: str,
          recipe: Mapping = DENSE) -> list[dict]:
    """Train one dense rival with as many weights and epochs as the pruned network."""
    data = first_images(data, recipe["images"].get(network))
    lr, l2 = recipe["rates"][network][shape]
    model = rival(data, network, shape, {"lr": lr, "l2": l2}, seed, recipe)
    wrong = predictions(model, data.test) != data.test.labels
    return [{"network": network, "seed": seed, "shape": shape, "weights": weights_of(model),
             "validation": evaluate(model, data.validation), "test": evaluate(model, data.test),
             "wrong": {"test": packed(wrong)}}]


def dense_rates(data: MNIST, *, seed: int, network: str, shape: str,
                recipe: Mapping = DENSE) -> list[dict]:
    """Train a dense rival by every learning rate of the list, with decay and without."""
    seed, data = seed + TUNING, first_images(data, recipe["images"].get(network))
    tried = [{"lr": lr, "l2": l2} for lr in recipe["list"]
             for l2 in (0.0, HAN["references"][network]["l2"])]
    return [{"seed": seed, "runner": shape, "at": network, **options, "validation": evaluate(
        rival(data, network, shape, options, seed, recipe), data.validation)} for options in tried]


def best_settings(rows: Iterable[Mapping]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return {network: {shape: (lr, l2)}}, what reads validation best in rows of `dense_rates`.

    Of equal ones the first.
    """
    best: dict[str, dict[str, tuple[float, float]]] = {}
    for row in sorted(rows, key=itemgetter("validation"), reverse=True):
        best.setdefault(row["at"], {}).setdefault(row["runner"], (row["lr"], row["l2"]))
    return best


def rival(data: MNIST, network: str, shape: str, options: Mapping, seed: int,
          recipe: Mapping) -> nn.Sequential:
    """Build and train a rival; the one of low rank from the reference, which had its epochs."""
    whole, epochs = ARCHITECTURES[network](seed), recipe["epochs"][network]
    if shape == "low rank":
        first = HAN["references"][network] | recipe.get("reference", {})
        train(whole, data.train, **first, seed=seed)
        model = low_rank(whole, 1 / recipe["compression"])
        epochs = max(1, epochs - first["epochs"])
    else:
        model = narrower(network, round(weights_of(whole) / recipe["compression"]), seed,
                         **recipe["shapes"][network][shape])
    train(model, data.train, **options, epochs=epochs, seed=seed)
    return model


def weights_of(model: nn.Module) -> int:
    """Return how many weights the prunable layers have."""
    return sum(layer.weight.numel() for layer in prunable_layers(model).values())


def narrower(network: str, weights: int, seed: int, *, wide: Mapping[str, float] | None = None,
             pool: bool = False) -> nn.Sequential:
    """Build the network with narrower hidden layers and at least so many weights.

    All have the same share of their width, those in `wide` so many times more, at most all of it.
    Ten neurons are left in any layer but the first: fewer could hardly tell ten digits apart. With
    `pool` the first layer, which must be Linear, reads the mean of every 2 x 2 pixels.
    """
    whole = pooled(ARCHITECTURES[network](seed)) if pool else ARCHITECTURES[network](seed)
    hidden = list(prunable_layers(whole).items())[:-1]
    least = {name: 10 if place and isinstance(layer, nn.Linear) else 1
             for place, (name, layer) in enumerate(hidden)}
    for share in torch.linspace(0.01, 1.0, 991).tolist():
        keep = {name: torch.arange(max(least[name], min(len(layer.weight), round(
            share * (wide or {}).get(name, 1.0) * len(layer.weight))))) for name, layer in hidden}
        plan = remove_units(whole, keep)
        if weights_of(plan) >= weights:
            break
    with seeded(seed):
        return build_chain(chain_config(plan))


def pooled(model: nn.Sequential) -> nn.Sequential:
    """Return an untrained network that reads the mean of every 2 x 2 pixels."""
    config = chain_config(nn.Sequential(OrderedDict(pool=nn.AvgPool2d(2)))) + chain_config(model)
    first = next(entry for entry in config if entry["kind"] == "Linear")
    first["in_features"] //= 4
    return build_chain(config)


def low_rank(model: nn.Sequential, share: float) -> nn.Sequential:
    """Return the network with two thin layers in the place of each Linear one but the last.

    Each pair has about this share of the layer's weights: the strongest directions of its singular
    value decomposition.
    """
    *hidden, _ = prunable_layers(model)
    found = nn.Sequential()
    for name, part in model.named_children():
        if name not in hidden:
            found.add_module(name, part)
            continue
        rows, columns = part.weight.shape
        rank = max(1, round(share * rows * columns / (rows + columns)))
        left, values, right = torch.linalg.svd(part.weight.detach(), full_matrices=False)
        first, second = nn.Linear(columns, rank, bias=False), nn.Linear(rank, rows)
        with torch.no_grad():
            first.weight.copy_(values[:rank, None].sqrt() * right[:rank])
            second.weight.copy_(left[:, :rank] * values[:rank].sqrt())
            second.bias.copy_(part.bias)
        found.add_module(f"{name}_in", first)
        found.add_module(f"{name}_out", second)
    return found
