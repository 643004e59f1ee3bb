"""The long runs of lesson 13: a language model pruned in many ways, read on the test plays."""

import copy
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from course_lib import language as gpt
from course_lib.data import MNIST
from course_lib.heads import remove_blocks, remove_heads, remove_neurons
from course_lib.language import CONTEXT, HEAD, CharGPT
from course_lib.masks import Masks, keep_top, magnitude_masks, masked
from course_lib.measure import nonzero_weights
from course_lib.models import prunable_layers
from course_lib.scores import wanda_scores
from course_lib.surgery import refit, row_masks, sparsegpt

from course_tools.experiments.lesson_12 import budget
from course_tools.experiments.networks import trained_char_gpt
from course_tools.experiments.recipes import CHAR_GPT, LANGUAGE, LANGUAGE_RETRAINING, TUNING
from course_tools.experiments.text_training import train_on_text

PARTS = ("weights", "budgets", "parts", "smaller")
CHUNK = 32  # pieces of 128 characters: neighbours in a play, for intervals over chunks
Networks = Iterable[tuple[dict, nn.Module]]


def language(data: MNIST, *, seed: int, part: str, recipe: Mapping = LANGUAGE) -> list[dict]:
    """Prune the language model of this seed in the ways of one part; tell the loss of each.

    "test" is in nats a character, over every so many chunks of the two test plays; "chunks" holds
    the loss of each of them in thousandths. Nothing is chosen by them. The digits are not used.
    """
    model = gpt.char_gpt(seed) if part == "smaller" else _trained(seed, recipe["trained"])
    inputs = calibration(seed, recipe["pieces"])
    return _read(WAYS[part](model, inputs, seed, recipe), {"seed": seed, "part": part}, recipe)


def language_rates(data: MNIST, *, seed: int, recipe: Mapping = LANGUAGE_RETRAINING) -> list[dict]:
    """Retrain by every learning rate of the list, on a network of its own, read on validation."""
    seed += TUNING
    model, plays = _trained(seed, recipe["trained"]), gpt.load_plays()
    networks, rows = _to_retrain(model, calibration(seed, recipe["pieces"]), recipe), []
    for name, (network, masks) in networks.items():
        for lr in recipe["list"]:
            copied = copy.deepcopy(network)
            train_on_text(copied, plays.train, steps=recipe["steps"], lr=lr, masks=masks, seed=seed)
            rows.append({"seed": seed, "runner": name, "lr": lr,
                         "after": gpt.loss(copied, plays.validation)})
    return rows


def language_retraining(data: MNIST, *, seed: int, recipe: Mapping = LANGUAGE_RETRAINING
                        ) -> list[dict]:
    """Read networks before and after some steps of training, and the whole one as a control.

    Each is trained at the learning rate that `language_rates` found best for it.
    """
    model, rows = _trained(seed, recipe["trained"]), []
    networks = _to_retrain(model, calibration(seed, recipe["pieces"]), recipe)
    for name, (network, masks) in networks.items():
        lr, share = recipe["rates"][name], recipe["crossed"] if masks else 0.0
        rows += _read([(_way(name, share), network)], {"seed": seed, "lr": lr}, recipe)
        train_on_text(network, gpt.load_plays().train, steps=recipe["steps"], lr=lr, masks=masks,
                      seed=seed)
        rows += _read([(_way(name, share, "retrained"), network)], {"seed": seed, "lr": lr}, recipe)
    return rows


def _read(networks: Networks, what: dict, recipe: Mapping) -> list[dict]:
    rows, text = [], _test_chunks(recipe["every"])
    for way, network in networks:
        losses = torch.cat([gpt.piece_losses(network, chunk).mean()[None] for chunk in text])
        rows.append(what | way | {
            "weights": nonzero_weights(network),
            "test": float(losses.mean()),
            "chunks": " ".join(f"{1000 * each:.0f}" for each in losses.tolist())})
    return rows


def _trained(seed: int, recipe: Mapping) -> CharGPT:
    if seed == 0 and recipe == CHAR_GPT:
        return gpt.load_char_gpt()
    return trained_char_gpt(seed, recipe=recipe)[0]


def calibration(seed: int, pieces: int) -> Tensor:
    """Return so many pieces of the training plays, int64 (pieces, CONTEXT), drawn by the seed."""
    codes = gpt.windows(gpt.load_plays().train)[0]
    generator = torch.Generator().manual_seed(1_000_003 * (seed + 1))
    return codes[torch.randperm(len(codes), generator=generator)[:pieces]]


def _test_chunks(every: int) -> list[str]:
    text, length = gpt.load_plays().test, CHUNK * CONTEXT
    return [text[start:start + length + 1]
            for start in range(0, len(text) - length, every * length)]


def _weights(model: CharGPT, inputs: Tensor, seed: int, recipe: Mapping) -> Networks:
    """Yield single weights pruned, by who chooses the mask and what the survivors become."""
    scores = wanda_scores(model, inputs)
    yield _way("whole", 0.0), model
    for share in recipe["sparsities"]:
        masks = {"magnitude by layer": magnitude_masks(model, share, scope="layer"),
                 "magnitude global": magnitude_masks(model, share),
                 "Wanda": row_masks(scores, share)}
        for name, found in masks.items():
            yield _way(name, share), masked(model, found)
            yield _way(name, share, "refitted"), refit(model, found, inputs)
        yield _way("SparseGPT", share, "column by column"), sparsegpt(model, share, inputs)[0]
    fours = {"magnitude 2:4": magnitude, "Wanda 2:4": lambda name, weight: scores[name]}
    for name, score in fours.items():
        found = {layer: two_of_four(score(layer, part.weight.detach()))
                 for layer, part in prunable_layers(model).items()}
        yield _way(name, 0.5), masked(model, found)
        yield _way(name, 0.5, "refitted"), refit(model, found, inputs)
    yield _way("SparseGPT 2:4", 0.5, "column by column"), sparsegpt(model, "2:4", inputs)[0]


def magnitude(name: str, weight: Tensor) -> Tensor:
    """Return the size of each weight."""
    return weight.abs()


def two_of_four(scores: Tensor) -> Tensor:
    """Keep the better two of each four neighbours in a row."""
    return torch.stack([keep_top(four, 0.5) for four in scores.view(-1, 4)]).view_as(scores)


def _budgets(model: CharGPT, inputs: Tensor, seed: int, recipe: Mapping) -> Networks:
    """Yield masks by layer in which one kind of layer, or one block, has the global budgets."""
    share = recipe["crossed"]
    over_all, alike = magnitude_masks(model, share), magnitude_masks(model, share, scope="layer")
    shares = budget(over_all)
    groups = {f".{kind}": [name for name in alike if name.endswith(f".{kind}")]
              for kind in ("q", "k", "v", "out", "up", "down")}
    groups |= {f"block {number}": [name for name in alike if name.startswith(f"blocks.{number}.")]
               for number in range(len(model.blocks))}
    for group, names in groups.items():
        zeros = sum(shares[name] * alike[name].numel() for name in names)
        what = {"group": group, "zeros": zeros / sum(alike[name].numel() for name in names)}
        yield what | _way("global only here", share), masked(
            model, alike | {name: over_all[name] for name in names})
        yield what | _way("by layer only here", share), masked(
            model, over_all | {name: alike[name] for name in names})


def _parts(model: CharGPT, inputs: Tensor, seed: int, recipe: Mapping) -> Networks:
    """Yield the model without each head, several heads, inner neurons, or each block."""
    order = []
    train = gpt.load_plays().train[:256 * CONTEXT + 1]  # which heads go together is chosen here
    for block in range(len(model.blocks)):
        for head in range(len(model.blocks[block].q.weight) // HEAD):
            network = without_heads(model, [(block, head)])
            order.append((gpt.loss(network, train), (block, head)))
            yield {"block": block, "head": head} | _way("one head", 0.0), network
    cheapest = [place for _, place in sorted(order)]
    for count in recipe["heads"]:
        yield {"count": count} | _way("heads", 0.0), without_heads(model, cheapest[:count])
    for share in recipe["neurons"]:
        for name in ("by Wanda", "by lot"):
            yield {"share": share} | _way(f"neurons {name}", 0.0), remove_neurons(
                model, inner(model, inputs, share, seed if name == "by lot" else None))
    for block in range(len(model.blocks)):
        rest = torch.tensor([each for each in range(len(model.blocks)) if each != block])
        yield {"block": block} | _way("one block", 0.0), remove_blocks(model, rest)


def without_heads(model: CharGPT, places: list[tuple[int, int]]) -> CharGPT:
    """Return a smaller model without the heads (block, head); a block's last one is left there."""
    keep = {}
    for block in range(len(model.blocks)):
        heads = len(model.blocks[block].q.weight) // HEAD
        stay = [head for head in range(heads) if (block, head) not in places]
        keep[block] = torch.tensor(stay or [0])
    return remove_heads(model, keep)


def inner(model: CharGPT, inputs: Tensor, share: float, seed: int | None = None
          ) -> dict[int, Tensor]:
    """Return the inner neurons that stay when this share of each block's go.

    By what each adds to the signal, the L2 norm of its outputs times that of its column of down;
    with a seed drawn by lot.
    """
    scores = wanda_scores(model, inputs)
    keep = {}
    for number in range(len(model.blocks)):
        each = scores[f"blocks.{number}.down"].norm(dim=0)
        if seed is not None:
            each = torch.rand(len(each), generator=torch.Generator().manual_seed(seed + number))
        keep[number] = keep_top(each, share).nonzero().flatten()
    return keep


def halved(model: CharGPT, inputs: Tensor) -> CharGPT:
    """Return the model without half of the heads and inner neurons of each block, the weaker."""
    scores = wanda_scores(model, inputs)
    heads = {number: keep_top(scores[f"blocks.{number}.out"].norm(dim=0).view(-1, HEAD).norm(dim=1),
                              0.5).nonzero().flatten() for number in range(len(model.blocks))}
    return remove_heads(remove_neurons(model, inner(model, inputs, 0.5)), heads)


def _to_retrain(model: CharGPT, inputs: Tensor, recipe: Mapping
                ) -> dict[str, tuple[CharGPT, Masks | None]]:
    masks = magnitude_masks(model, recipe["crossed"])
    return {"whole": (copy.deepcopy(model), None),
            "magnitude global": (masked(model, masks), masks),
            "half removed": (halved(model, inputs), None)}


def _smaller(model: CharGPT, inputs: Tensor, seed: int, recipe: Mapping) -> Networks:
    """Yield a model of half the size, trained from new weights for as many steps in all."""
    small = gpt.char_gpt(seed, **recipe["half"])
    steps = recipe["trained"]["steps"] + recipe["steps"]
    train_on_text(small, gpt.load_plays().train, steps=steps, lr=recipe["trained"]["lr"], seed=seed)
    yield _way("small from new weights", 0.0, "trained"), small


def _way(mask: str, sparsity: float, values: str = "old") -> dict:
    return {"mask": mask, "sparsity": sparsity, "values": values}


WAYS = dict(zip(PARTS, (_weights, _budgets, _parts, _smaller), strict=True))
