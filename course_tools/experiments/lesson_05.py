"""The long runs of lesson 05: Han's method with its controls, and what came after it.

Each function takes the data and one task, and returns rows for the figure's file. Whatever is
chosen is chosen on validation; what is called "test" is the accuracy on the test split and decides
nothing. Where we depart from the paper: we retrain with L1 and nearly the first learning rate,
which went further than L2 and a tenth of it in trials with seed 0. Those trials showed validation
and test errors side by side, so for seed 0 the test split is not quite fresh.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import nn

from course_lib._state import seeded
from course_lib.chains import build_chain, chain_config
from course_lib.data import MNIST
from course_lib.iterative import Round, by_sparsity, cubic_schedule, prune_and_retrain
from course_lib.masks import Masks, magnitude_masks, masked, random_masks
from course_lib.measure import nonzero_weights
from course_lib.models import ARCHITECTURES, lenet_300_100, load_trained, prunable_layers
from course_lib.removal import remove_units
from course_lib.search import drop
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import (
    GRADUAL,
    HAN,
    LENET_5,
    LENET_300_100,
    NORMS,
    of_network,
    qualities,
)


def trained(network: str, seed: int, data: MNIST, recipe: Mapping) -> nn.Sequential:
    """Build and train a network from this seed."""
    model = ARCHITECTURES[network](seed)
    train(model, data.train, **recipe, seed=seed)
    return model


def han(data: MNIST, *, seed: int, network: str, recipe: Mapping = HAN) -> list[dict]:
    """Prune one network by Han's method, beside two controls.

    Both are trained for as many epochs as the reference and all retraining took together. "longer":
    the reference's recipe, over so many epochs. "narrow": a dense network with as many weights as
    the pruned one keeps, with the reference's decay or none, whichever reads better on validation.
    "pruned" is the first round that compresses 12 times or more, the mildest. "no drop from" is
    the round that compresses most among those that read no worse than that rival on validation.
    """
    plan = of_network(network, recipe)
    first, options = plan["reference"], plan["retraining"]
    reference = trained(network, seed, data, first)
    rounds = list(prune_and_retrain(reference, data, qualities(network, plan), **options,
                                    seed=seed))
    in_all = first | {"epochs": first["epochs"] + options["epochs"] * len(rounds)}
    longer = trained(network, seed, data, in_all)
    at = first_beyond(rounds, 12.0)
    narrow = best_narrow(network, kept(at), seed, data, in_all)
    rivals = {"reference": reference, "longer": longer}
    tested = {"reference": reference, "longer": longer, "narrow": narrow,
              "pruned": rebuilt(network, at)}
    for name, rival in rivals.items():
        free = choose_free(rounds, evaluate(rival, data.validation))
        tested[f"no drop from {name}"] = rival if free is None else rebuilt(network, free)
    rows = [{"kind": "round"} | _described(each) for each in rounds]
    rows += [{"kind": kind} | _tested(model, rivals, data) for kind, model in tested.items()]
    return [{"network": network, "seed": seed} | row for row in rows]


def first_beyond(rounds: Sequence[Round], compression: float) -> Round:
    """Return the first round that compresses at least so far; if none does, the last one."""
    return next((each for each in rounds if each.compression >= compression), rounds[-1])


def choose_free(rounds: Sequence[Round], accuracy: float) -> Round | None:
    """Return the round that compresses most among those that keep this validation accuracy."""
    free = [each for each in rounds if each.after >= accuracy]
    return max(free, key=lambda each: each.compression, default=None)


def kept(at: Round) -> int:
    """Return how many weights a round has left."""
    return sum(int(mask.sum()) for mask in at.masks.values())


def rebuilt(network: str, at: Round) -> nn.Sequential:
    """Return the network as it was at the end of a round."""
    model = ARCHITECTURES[network]()
    model.load_state_dict(at.weights)
    return model.eval()


def best_narrow(network: str, weights: int, seed: int, data: MNIST, recipe: dict) -> nn.Module:
    """Train the narrow network with decay and without; return what reads better on validation."""
    found = []
    for decay in (0.0, recipe["l2"]):
        model = narrower(network, weights, seed)
        train(model, data.train, **(recipe | {"l2": decay}), seed=seed)
        found.append((evaluate(model, data.validation), model))
    return max(found, key=lambda pair: pair[0])[1]


def narrower(network: str, weights: int, seed: int) -> nn.Sequential:
    """Build the network with all hidden layers narrowed alike, to at least so many weights.

    Ten neurons are left in any layer but the first: fewer could hardly tell ten digits apart.
    """
    whole = ARCHITECTURES[network](seed)
    hidden = list(prunable_layers(whole).items())[:-1]
    least = {name: 10 if place and isinstance(layer, nn.Linear) else 1
             for place, (name, layer) in enumerate(hidden)}
    for share in torch.linspace(0.01, 1.0, 991).tolist():
        keep = {name: torch.arange(max(least[name], round(share * layer.weight.shape[0])))
                for name, layer in hidden}
        plan = remove_units(whole, keep)
        if sum(layer.weight.numel() for layer in prunable_layers(plan).values()) >= weights:
            break
    with seeded(seed):
        return build_chain(chain_config(plan))


def _described(at: Round) -> dict:
    return {"round": at.number, "compression": at.compression, "density": at.density,
            "validation_before": at.before, "validation_after": at.after}


def _tested(model: nn.Module, rivals: dict[str, nn.Module], data: MNIST) -> dict:
    """Return what a network keeps and reads, and how it compares with each rival, in pairs."""
    weights = [layer.weight for layer in prunable_layers(model).values()]
    left = {name: drop(rival, model, data.test) for name, rival in rivals.items()}
    return {"weights": sum(weight.numel() for weight in weights),
            "nonzero": nonzero_weights(model),
            "density": {name: float((layer.weight != 0).double().mean())
                        for name, layer in prunable_layers(model).items()},
            "validation": evaluate(model, data.validation), "test": evaluate(model, data.test),
            "against": {name: [found.lost, found.gained] for name, found in left.items()}}


def gradual(data: MNIST, *, seed: int, network: str, dropout: float = 0.0,
            recipe: Mapping = GRADUAL) -> list[dict]:
    """Prune from the first epoch on, to one target after another, taught by the dense network.

    For each target: rounds of one epoch along the cubic schedule, then some epochs more. The
    teacher is the course's own trained network for every seed. A dropout rate shrinks with the
    connections that are left.
    """
    plan, teacher = recipe[network], load_trained(network)
    model, reached, rows = with_dropout(ARCHITECTURES[network](seed + 1000), dropout), 0.0, []
    for place, target in enumerate(plan["targets"]):
        rising, settling = plan["next"] if place else plan["first"]
        steps = [reached + (target - reached) * share for share in cubic_schedule(1.0, rising)]
        for sparsities, epochs in ((steps, 1), ([target], settling)):
            *_, last = prune_and_retrain(
                model, data, sparsities, cut=by_sparsity, epochs=epochs, lr=plan["lr"],
                l1=plan["l1"], teacher=teacher, seed=100 * seed + 10 * place + (epochs > 1))
            model.load_state_dict(last.weights)
        rows.append({"network": network, "seed": seed, "dropout": dropout, "target": target}
                    | _tested(model, {"teacher": teacher}, data))
        reached = target
    return rows


def with_dropout(model: nn.Sequential, rate: float) -> nn.Sequential:
    """Return the same layers with a dropout of this rate behind each ReLU; none at a rate of 0."""
    found = nn.Sequential()
    for name, part in model.named_children():
        found.add_module(name, part)
        if rate and isinstance(part, nn.ReLU):
            found.add_module(name.replace("relu", "drop"), nn.Dropout(rate))
    return found


# Controls on LeNet-300-100

FROM_FIRST_WEIGHTS = ("re-initialised", "first weights", "narrow dense")


def controls(data: MNIST, *, seed: int, rounds: int,
             recipe: Mapping = LENET_300_100) -> list[dict]:
    """Reach the same sparsity in each layer in six ways, all with as many epochs in all."""
    reference = trained("lenet_300_100", seed, data, recipe["brief"])
    options = recipe["retraining"] | {"epochs": 5}
    *_, last = prune_and_retrain(reference, data, qualities("lenet_300_100", recipe)[:rounds],
                                 **options, seed=seed)
    models = {"iterative": rebuilt("lenet_300_100", last)}
    for kind, (model, masks) in _rivals(reference, last, seed):
        epochs = 5 * rounds + recipe["brief"]["epochs"] * (kind in FROM_FIRST_WEIGHTS)
        norm = {"l1": 0.0} if masks is None else {}  # a small dense network does not bear one
        train(model, data.train, **(options | norm | {"epochs": epochs}), masks=masks, seed=seed)
        models[kind] = model
    return [{"seed": seed, "rounds": rounds, "kind": kind, "compression": last.compression}
            | _tested(model, {"reference": reference}, data)
            for kind, model in models.items()]


def _rivals(reference: nn.Module, last: Round, seed: int
            ) -> Iterator[tuple[str, tuple[nn.Module, Masks | None]]]:
    """Yield each rival of the iterative method, untrained, and the masks that it trains under."""
    share = {name: 1 - density for name, density in last.density.items()}
    yield "one-shot", (copy.deepcopy(reference), magnitude_masks(reference, share))
    yield "random masks", (copy.deepcopy(reference), random_masks(reference, share, seed=seed))
    yield "re-initialised", (lenet_300_100(seed + 1000), last.masks)
    yield "first weights", (lenet_300_100(seed), last.masks)
    yield "narrow dense", (narrower("lenet_300_100", kept(last), seed), None)


def norms(data: MNIST, *, seed: int, norm: str, recipe: Mapping = NORMS) -> list[dict]:
    """Train and prune LeNet-300-100 under one norm: not retrained, retrained, and iteratively.

    All numbers are test accuracies. At each sparsity both retrained networks had as many epochs.
    """
    penalty = recipe["norms"][norm]
    model = trained("lenet_300_100", seed, data, {"epochs": 10, "lr": 2e-3} | penalty)
    iterated, masks, reference, rows = copy.deepcopy(model), None, evaluate(model, data.test), []
    for place, share in enumerate(recipe["sparsities"], start=1):
        cut = magnitude_masks(model, share)
        once = masked(model, cut)
        before = evaluate(once, data.test)
        train(once, data.train, epochs=3 * place, **penalty, masks=cut, seed=seed)
        masks = magnitude_masks(iterated, share, masks=masks)
        train(iterated, data.train, epochs=3, **penalty, masks=masks, seed=100 * seed + place)
        rows.append({"seed": seed, "norm": norm, "sparsity": share, "reference": reference,
                     "before": before, "once": evaluate(once, data.test),
                     "iterated": evaluate(iterated, data.test)})
    return rows


# The dropout formula

def dropout(data: MNIST, *, seed: int, rate: str,
            recipe: Mapping = LENET_300_100) -> list[dict]:
    """Retrain LeNet-300-100 with dropout whose rate shrinks, stays as it was, or is 0."""
    model = with_dropout(lenet_300_100(seed), 0.5)
    train(model, data.train, epochs=20, lr=2e-3, seed=seed)
    reference = evaluate(model, data.test)
    if rate == "none":
        model.drop1.p = model.drop2.p = 0.0
    rows = [{"round": 0, "compression": 1.0, "test": reference}]
    for each in prune_and_retrain(model, data, qualities("lenet_300_100", recipe), epochs=5,
                                  lr=1e-3, shrink_dropout=rate == "shrinks", seed=seed):
        model.load_state_dict(each.weights)
        rows.append({"round": each.number, "compression": each.compression,
                     "test": evaluate(model, data.test)})
    return [{"seed": seed, "rate": rate} | row for row in rows]


def lenet_5_dropout(data: MNIST, *, seed: int, recipe: Mapping = LENET_5) -> list[dict]:
    """Run Han's method on LeNet-5 as `han` does, with dropout of 0.5 that shrinks; three rounds."""
    reference = with_dropout(ARCHITECTURES["lenet_5"](seed), 0.5)
    train(reference, data.train, **recipe["reference"], seed=seed)
    model, rows = copy.deepcopy(reference), [{"round": 0} | _tested(reference, {}, data)]
    for each in prune_and_retrain(reference, data, qualities("lenet_5", recipe)[:3],
                                  **recipe["retraining"], seed=seed):
        model.load_state_dict(each.weights)
        rows.append({"round": each.number} | _tested(model, {"reference": reference}, data))
    return [{"seed": seed} | row for row in rows]
