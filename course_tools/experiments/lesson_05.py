"""The long runs of lesson 05: Han's method with its controls, and what came after it.

Each function takes the data and one task, and returns rows for the figure's file. Whatever is
chosen is chosen on validation; what is called "test" is the accuracy on the test split and decides
nothing. Where we depart from the paper: we retrain with L1 and nearly the first learning rate,
which went further than L2 and a tenth of it in trials with seed 0. Those trials showed validation
and test errors side by side, so for seed 0 the test split is not quite fresh.
"""

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from course_lib.data import MNIST
from course_lib.iterative import Round, by_sparsity, cubic_schedule, prune_and_retrain
from course_lib.masks import (
    Masks,
    keep_top,
    magnitude_masks,
    masked,
    random_masks,
    std_thresholds,
)
from course_lib.measure import nonzero_weights
from course_lib.models import ARCHITECTURES, lenet_300_100, load_trained, prunable_layers
from course_lib.scores import magnitude
from course_lib.search import drop
from course_lib.training import evaluate, predictions, train

from course_tools.experiments.dense import narrower
from course_tools.experiments.images import packed
from course_tools.experiments.recipes import (
    CONTROLS,
    DROPOUT,
    GRADUAL,
    HAN,
    LENET_5,
    NORMS,
    first_images,
    of_network,
    qualities,
)


def trained(network: str, seed: int, data: MNIST, recipe: Mapping) -> nn.Sequential:
    """Build and train a network from this seed."""
    model = ARCHITECTURES[network](seed)
    train(model, data.train, **recipe, seed=seed)
    return model


def han(data: MNIST, *, seed: int, network: str, recipe: Mapping = HAN) -> list[dict]:
    """Prune one network by Han's method, beside the same network never pruned.

    "pruned" compresses exactly as far as the recipe says, see `pruned_to`. "longer" goes through as
    many rounds as that one, with the same penalty and the same restarts, but nothing is pruned;
    "longer, one schedule", of some networks, is trained by the reference's recipe for as many
    epochs. "no drop from" a rival is the round that compresses most among those that read no worse
    on validation, and the rival is the row "beside": of "longer" the network with as many rounds.
    """
    plan, data = of_network(network, recipe), first_images(data, recipe["images"].get(network))
    first, options = plan["reference"], plan["retraining"] | {"seed": seed}
    reference, steps = trained(network, seed, data, first), qualities(network, plan)
    rounds = list(prune_and_retrain(reference, data, steps, **options))
    twelve = pruned_to(recipe["compression"], reference, rounds, data, steps, options)
    unpruned = [rebuilt(network, each) for each in prune_and_retrain(
        reference, data, [0.0] * max(len(rounds), twelve.number), **options)]
    epochs = first["epochs"] + plan["retraining"]["epochs"] * twelve.number
    tested = {"reference": reference, "longer": unpruned[twelve.number - 1],
              "pruned": rebuilt(network, twelve)}
    if network in recipe["one schedule"]:
        tested["longer, one schedule"] = trained(network, seed, data, first | {"epochs": epochs})
    for name, rivals in (("reference", [reference] * len(rounds)), ("longer", unpruned)):
        free = choose_free(rounds, [evaluate(each, data.validation) for each in rivals])
        beside = rivals[(free.number if free else min(twelve.number, len(rivals))) - 1]
        tested |= {f"no drop from {name}": rebuilt(network, free) if free else beside,
                   f"{name} beside": beside}
    rows = [{"kind": "round"} | _described(each) for each in rounds]
    rows += [{"kind": kind, "epochs": epochs} | _tested(model, data)
             for kind, model in tested.items()]
    return [{"network": network, "seed": seed} | row for row in rows]


def pruned_to(compression: float, reference: nn.Sequential, rounds: Sequence[Round], data: MNIST,
              steps: Sequence[Mapping], options: Mapping) -> Round:
    """Return a round that compresses exactly so far, from the last one that compresses less.

    The next round's thresholds are all lowered, or raised, by the same factor. A round's number is
    how many there were, this one included.
    """
    milder = [each for each in rounds if each.compression < compression]
    start = copy.deepcopy(reference)
    if milder:
        start.load_state_dict(milder[-1].state_dict)
    step = steps[min(len(milder), len(steps) - 1)]
    last, = prune_and_retrain(
        start, data, [step], **options | {"seed": options["seed"] + 500},
        cut=lambda model, quality, _: by_scaled_quality(
            model, quality, 1 / compression, milder[-1].masks if milder else None))
    return dataclasses.replace(last, number=len(milder) + 1)


def by_scaled_quality(model: nn.Module, quality: Mapping, density: float,
                      masks: Masks | None) -> Masks:
    """Keep this share of all weights, those largest beside their layer's quality · σ."""
    thresholds = std_thresholds(model, dict(quality), masks=masks)
    scores = {name: magnitude(layer.weight) / thresholds[name]
              for name, layer in prunable_layers(model).items()}
    if masks is not None:
        scores = {name: score.masked_fill(~masks[name], -1) for name, score in scores.items()}
    return over_all(scores, 1 - density)


def over_all(scores: Mapping[str, Tensor], sparsity: float) -> Masks:
    """Let the weights of all layers compete by these scores."""
    chosen = keep_top(torch.cat([score.flatten() for score in scores.values()]), sparsity)
    parts = chosen.split([score.numel() for score in scores.values()])
    return {name: part.view_as(scores[name]) for name, part in zip(scores, parts, strict=True)}


def choose_free(rounds: Sequence[Round], accuracies: Sequence[float]) -> Round | None:
    """Return the round that compresses most among those that keep their rival's accuracy."""
    free = [each for each, accuracy in zip(rounds, accuracies, strict=False)
            if each.after >= accuracy]
    return max(free, key=lambda each: each.compression, default=None)


def kept(at: Round) -> int:
    """Return how many weights a round has left."""
    return sum(int(mask.sum()) for mask in at.masks.values())


def rebuilt(network: str, at: Round) -> nn.Sequential:
    """Return the network as it was at the end of a round."""
    model = ARCHITECTURES[network]()
    model.load_state_dict(at.state_dict)
    return model.eval()


def _described(at: Round) -> dict:
    return {"round": at.number, "compression": at.compression, "density": at.density,
            "validation_before": at.before, "validation_after": at.after}


def _tested(model: nn.Module, data: MNIST, rivals: Mapping[str, nn.Module] | None = None) -> dict:
    """Return what a network keeps and reads, and how it compares with each rival, in pairs."""
    weights = [layer.weight for layer in prunable_layers(model).values()]
    left = {name: drop(rival, model, data.test) for name, rival in (rivals or {}).items()}
    wrong = predictions(model, data.test) != data.test.labels
    return {"weights": sum(weight.numel() for weight in weights),
            "nonzero": nonzero_weights(model),
            "density": {name: float((layer.weight != 0).double().mean())
                        for name, layer in prunable_layers(model).items()},
            "validation": evaluate(model, data.validation), "test": evaluate(model, data.test),
            "wrong": {"test": packed(wrong)},
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
            model.load_state_dict(last.state_dict)
        rows.append({"network": network, "seed": seed, "dropout": dropout, "target": target}
                    | _tested(model, data, {"teacher": teacher}))
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
             recipe: Mapping = CONTROLS) -> list[dict]:
    """Reach the same sparsity in each layer in six ways, all with as many epochs in all."""
    reference = trained("lenet_300_100", seed, data, recipe["brief"])
    options = recipe["retraining"] | {"epochs": 5}
    *_, last = prune_and_retrain(reference, data, qualities("lenet_300_100", recipe)[:rounds],
                                 **options, seed=seed)
    models = {"iterative": rebuilt("lenet_300_100", last)}
    for kind, (model, masks) in _rivals(reference, last, seed, recipe["dense"]):
        epochs = 5 * rounds + recipe["brief"]["epochs"] * (kind in FROM_FIRST_WEIGHTS)
        norm = {"l1": 0.0} if masks is None else {}  # a small dense network does not bear one
        train(model, data.train, **(options | norm | {"epochs": epochs}), masks=masks, seed=seed)
        models[kind] = model
    return [{"seed": seed, "rounds": rounds, "kind": kind, "compression": last.compression}
            | _tested(model, data, {"reference": reference})
            for kind, model in models.items()]


def _rivals(reference: nn.Module, last: Round, seed: int, dense: Mapping
            ) -> Iterator[tuple[str, tuple[nn.Module, Masks | None]]]:
    """Yield each rival of the iterative method, untrained, and the masks that it trains under."""
    share = {name: 1 - density for name, density in last.density.items()}
    yield "one-shot", (copy.deepcopy(reference), magnitude_masks(reference, share))
    yield "random masks", (copy.deepcopy(reference), random_masks(reference, share, seed=seed))
    yield "re-initialised", (lenet_300_100(seed + 1000), last.masks)
    yield "first weights", (lenet_300_100(seed), last.masks)
    yield "narrow dense", (narrower("lenet_300_100", kept(last), seed, **dense), None)


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

def dropout(data: MNIST, *, seed: int, rate: str, recipe: Mapping = DROPOUT) -> list[dict]:
    """Retrain LeNet-300-100 with dropout whose rate shrinks, stays as it was, or is 0.

    So is the unpruned network, for as many epochs, at the rates that the pruned one has in each
    round: what changes there too is no matter of pruning.
    """
    model = with_dropout(lenet_300_100(seed), recipe["rate"])
    train(model, data.train, **recipe["reference"], seed=seed)
    if rate == "none":
        model.drop1.p = model.drop2.p = 0.0
    unpruned, rows = copy.deepcopy(model), [(0, 1.0, model, True)]
    for each in prune_and_retrain(model, data, qualities("lenet_300_100", recipe), seed=seed,
                                  **recipe["retraining"], shrink_dropout=rate == "shrinks"):
        pruned, unpruned = copy.deepcopy(model), copy.deepcopy(unpruned)
        pruned.load_state_dict(each.state_dict)
        if rate == "shrinks":
            unpruned.drop1.p = model.drop1.p * each.density["fc2"] ** 0.5
            unpruned.drop2.p = model.drop2.p * each.density["fc3"] ** 0.5
        train(unpruned, data.train, **recipe["retraining"], seed=1000 * (seed + 1) + each.number)
        rows += [(each.number, each.compression, pruned, True),
                 (each.number, each.compression, unpruned, False)]
    return [{"seed": seed, "rate": rate, "round": number, "compression": compression,
             "pruned": cut, "test": evaluate(network, data.test)}
            for number, compression, network, cut in rows]


def lenet_5_dropout(data: MNIST, *, seed: int, recipe: Mapping = LENET_5) -> list[dict]:
    """Run Han's method on LeNet-5 as `han` does, with dropout of 0.5 that shrinks; three rounds."""
    reference = with_dropout(ARCHITECTURES["lenet_5"](seed), 0.5)
    train(reference, data.train, **recipe["reference"], seed=seed)
    model, rows = copy.deepcopy(reference), [{"round": 0} | _tested(reference, data)]
    for each in prune_and_retrain(reference, data, qualities("lenet_5", recipe)[:3],
                                  **recipe["retraining"], seed=seed):
        model.load_state_dict(each.state_dict)
        rows.append({"round": each.number} | _tested(model, data, {"reference": reference}))
    return [{"seed": seed} | row for row in rows]
