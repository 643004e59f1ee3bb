"""Exercises of lesson 08, the bug lab: programs that run and are wrong, and what mends them."""

import copy
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib._state import seeded
from course_lib.masks import apply_masks, magnitude_masks
from course_lib.models import prunable_layers

from course_tools.exercises.kinds import Exercise


def small_network(seed: int) -> nn.Sequential:
    """Build a network of 4 inputs, 6 and 5 hidden units and 3 outputs."""
    with seeded(seed):
        return nn.Sequential(OrderedDict(
            fc1=nn.Linear(4, 6), relu1=nn.ReLU(), fc2=nn.Linear(6, 5), relu2=nn.ReLU(),
            fc3=nn.Linear(5, 3)))


def small_batches(count: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Return so many batches of 8 inputs and labels, drawn at random."""
    generator = torch.Generator().manual_seed(seed)
    return [(torch.randn(8, 4, generator=generator), torch.randint(0, 3, (8,), generator=generator))
            for _ in range(count)]


# 1. Momentum revives weights

def prune_halfway_broken(model, sparsity, batches):
    """Train, prune halfway, train on; return the model. What was pruned has to stay zero."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    masks = {}
    for step, (images, labels) in enumerate(batches):
        if step == len(batches) // 2:
            masks = magnitude_masks(model, sparsity)
            apply_masks(model, masks)
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        for name, mask in masks.items():
            prunable_layers(model)[name].weight.grad *= mask
        optimizer.step()
    return model


def prune_halfway(model, sparsity, batches):
    """Train, prune halfway, train on; return the model. What was pruned has to stay zero."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    masks = {}
    for step, (images, labels) in enumerate(batches):
        if step == len(batches) // 2:
            masks = magnitude_masks(model, sparsity)
            apply_masks(model, masks)
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        optimizer.step()
        apply_masks(model, masks)
    return model


def _train(model, optimizer, batches):
    for images, labels in batches:
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        optimizer.step()
    return model


def _pruned_once(model, sparsity, batches, at):
    """Train, prune before batch `at`, and let the weights go free after that."""
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    _train(model, optimizer, batches[:at])
    apply_masks(model, magnitude_masks(model, sparsity))
    return _train(model, optimizer, batches[at:])


def where_zero(model: nn.Module) -> dict[str, Tensor]:
    """Return which weights are zero, layer by layer, and nothing of the others' values."""
    return {name: layer.weight == 0 for name, layer in prunable_layers(model).items()}


# 2. Weight decay moves what has no gradient

def retrain_last_broken(model, batches):
    """Retrain the last layer alone; return the model. The others have to stay as they are."""
    model = copy.deepcopy(model)
    *others, _ = prunable_layers(model).values()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.5)
    for images, labels in batches:
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        for layer in others:
            layer.weight.grad.zero_()
            layer.bias.grad.zero_()
        optimizer.step()
    return model


def retrain_last(model, batches):
    """Retrain the last layer alone; return the model. The others have to stay as they are."""
    model = copy.deepcopy(model)
    *_, last = prunable_layers(model).values()
    optimizer = torch.optim.AdamW(last.parameters(), lr=0.01, weight_decay=0.5)
    for images, labels in batches:
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        optimizer.step()
    return model


def _retrained(model, batches, *, decay=0.5, parts=None):
    model = copy.deepcopy(model)
    layers = list(prunable_layers(model).values())
    chosen = [p for place in parts for p in layers[place].parameters()] if parts is not None else (
        model.parameters())
    return _train(model, torch.optim.AdamW(chosen, lr=0.01, weight_decay=decay), batches)


def _only_weights_frozen(model, batches):
    found = retrain_last(model, batches)
    loose = retrain_last_broken(model, batches)
    for name, layer in list(prunable_layers(found).items())[:-1]:
        layer.bias.data = prunable_layers(loose)[name].bias.data
    return found


def what_moved(model: nn.Module) -> dict[str, object]:
    """Return the layers that have to stand still, and whether the last one was trained at all.

    The cases begin with a last layer of zeros.
    """
    *others, (name, last) = prunable_layers(model).items()
    still = {key: layer.state_dict() for key, layer in others}
    return still | {f"{name} is trained": bool(last.weight.any())}


def _untrained_head(seed: int) -> nn.Sequential:
    model = small_network(seed)
    nn.init.zeros_(model.fc3.weight)
    return model


# 3. Batch norm is not shrunk with its convolution

def smaller_broken(conv, norm, keep):
    """Return a convolution and its batch norm without the filters that `keep` leaves out."""
    small = nn.Conv2d(conv.in_channels, len(keep), conv.kernel_size, padding=conv.padding,
                      bias=False)
    small.weight.data = conv.weight.data[keep]
    slim = nn.BatchNorm2d(len(keep))
    slim.weight.data = norm.weight.data[:len(keep)]
    slim.bias.data = norm.bias.data[:len(keep)]
    slim.running_mean = norm.running_mean[:len(keep)]
    slim.running_var = norm.running_var[:len(keep)]
    return small.eval(), slim.eval()


def smaller(conv, norm, keep):
    """Return a convolution and its batch norm without the filters that `keep` leaves out."""
    small = nn.Conv2d(conv.in_channels, len(keep), conv.kernel_size, padding=conv.padding,
                      bias=False)
    small.weight.data = conv.weight.data[keep]
    slim = nn.BatchNorm2d(len(keep))
    slim.weight.data = norm.weight.data[keep]
    slim.bias.data = norm.bias.data[keep]
    slim.running_mean = norm.running_mean[keep]
    slim.running_var = norm.running_var[keep]
    return small.eval(), slim.eval()


def _partly_smaller(conv, norm, keep, right):
    """Take the right entries for some of the batch norm's tensors, the first ones for the rest."""
    small, slim = smaller(conv, norm, keep)
    _, other = smaller_broken(conv, norm, keep)
    state = other.state_dict() | {name: slim.state_dict()[name] for name in right}
    slim.load_state_dict(state)
    return small, slim


def _fresh_statistics(conv, norm, keep):
    small, slim = smaller(conv, norm, keep)
    slim.reset_running_stats()
    return small, slim


def _block(filters: int, seed: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    with seeded(seed):
        conv, norm = nn.Conv2d(2, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters)
        for values in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
            values.uniform_(0.5, 2.0)
    return conv.eval(), norm.eval()


# 4. A global threshold empties a layer

def global_masks_broken(weights, sparsity):
    """Prune a share of all weights, over all layers; the largest tenth of each layer stays."""
    every = torch.cat([weight.abs().flatten() for weight in weights.values()])
    threshold = every.sort().values[round(sparsity * len(every))]
    return {name: weight.abs() >= threshold for name, weight in weights.items()}


def global_masks(weights, sparsity):
    """Prune a share of all weights, over all layers; the largest tenth of each layer stays."""
    every = torch.cat([weight.abs().flatten() for weight in weights.values()])
    threshold = every.sort().values[round(sparsity * len(every))]
    masks = {}
    for name, weight in weights.items():
        floor = weight.abs().flatten().sort().values[round(0.9 * weight.numel())]
        masks[name] = weight.abs() >= min(threshold, floor)
    return masks


def _floor(weight: Tensor, share: float) -> Tensor:
    return weight.abs().flatten().sort().values[round((1 - share) * weight.numel())]


def _by_layer(weights, sparsity):
    return {name: weight.abs() >= _floor(weight, 1 - sparsity) for name, weight in weights.items()}


def _only_empty(weights, sparsity):
    """Fill a layer up only where nothing at all is left."""
    found = global_masks_broken(weights, sparsity)
    return {name: mask if mask.any() else global_masks(weights, sparsity)[name]
            for name, mask in found.items()}


def _both_needed(weights, sparsity):
    found = global_masks_broken(weights, sparsity)
    return {name: mask & (weights[name].abs() >= _floor(weights[name], 0.1))
            for name, mask in found.items()}


def _whole_layer(weights, sparsity):
    found = global_masks_broken(weights, sparsity)
    return {name: mask if mask.double().mean() >= 0.1 else torch.ones_like(mask)
            for name, mask in found.items()}


def _weights_of(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scales = {"fc1": (0.01, 0.35, 0.25)[seed], "fc2": 1.0, "fc3": 0.45}
    return {name: scale * torch.randn(10, 8 if name == "fc1" else 10, generator=generator)
            for name, scale in scales.items()}


# 5. The wrong axis

def neuron_scores_broken(weight):
    """Return the L1 norm of the weights of each neuron, for a weight (neurons, inputs)."""
    return weight.abs().sum(dim=0)


def neuron_scores(weight):
    """Return the L1 norm of the weights of each neuron, for a weight (neurons, inputs)."""
    return weight.abs().sum(dim=1)


# 6. Chosen on the test split

def choice_broken(candidates, bound):
    """Return the weights of the smallest candidate within the bound, and the drop to report."""
    fitting = [each for each in candidates if each["test"] <= bound]
    best = min(fitting, key=lambda each: each["weights"])
    return best["weights"], best["test"]


def choice(candidates, bound):
    """Return the weights of the smallest candidate within the bound, and the drop to report."""
    fitting = [each for each in candidates if each["validation"] <= bound]
    best = min(fitting, key=lambda each: each["weights"])
    return best["weights"], best["test"]


def _chosen(candidates, bound, *, drop=lambda each: each["validation"], report="test",
            key="weights"):
    """Choose by another drop, report on another split, or take the least of something else."""
    fitting = [each for each in candidates if drop(each) <= bound]
    best = min(fitting or candidates, key=lambda each: each[key])
    return best["weights"], best[report]


def _candidates(*rows):
    return [dict(zip(("weights", "validation", "test"), row, strict=True)) for row in rows]


# 7. The best of all checkpoints

def best_round_broken(rounds, target):
    """Return the round that reads best, of those that have reached the target sparsity."""
    best = rounds[0]
    for each in rounds:
        if each["accuracy"] > best["accuracy"]:
            best = each
    return best


def best_round(rounds, target):
    """Return the round that reads best, of those that have reached the target sparsity."""
    best = None
    for each in rounds:
        if each["sparsity"] >= target and (best is None or each["accuracy"] > best["accuracy"]):
            best = each
    return best


def _rounds(*pairs):
    return [{"sparsity": sparsity, "accuracy": accuracy} for sparsity, accuracy in pairs]


EXERCISES = (
    Exercise(
        "8.1", "The weights that came back", 2, 8,
        reference=prune_halfway, broken=prune_halfway_broken, look=where_zero,
        cases=lambda: [(small_network(0), 0.5, small_batches(12, 1)),
                       (small_network(2), 0.9, small_batches(10, 3))],
        mistakes={
            "Pruned once, and then left alone: the gradient brings the weights back as well. They "
            "have to be held at zero after every step.":
                lambda model, sparsity, batches: _pruned_once(
                    model, sparsity, batches, len(batches) // 2),
            "That prunes at the end only. The retraining never saw the pruned network.":
                lambda model, sparsity, batches: _pruned_once(
                    model, sparsity, batches, len(batches)),
            "Those zeros are gone from the start: the masks were chosen before any training.":
                lambda model, sparsity, batches: _pruned_once(model, sparsity, [], 0),
        },
        idea="what moves a weight whose gradient is zero: what else does the optimiser remember",
        hints=("Print the velocity that SGD keeps for a pruned weight: "
               "optimizer.state[weight]['momentum_buffer'].",
               "Momentum goes on moving a weight in the direction of earlier gradients, whatever "
               "the present one is.",
               "Let the optimiser do what it likes, and set the pruned weights back to zero after "
               "its step."),
        right="Masks are applied after the step, as the library's train does.",
        why="A zero gradient stops the gradient, not the momentum of earlier ones. Whatever the "
            "optimiser remembers, applying the masks after each step undoes it.",
    ),
    Exercise(
        "8.2", "The layer that faded", 2, 6,
        reference=retrain_last, broken=retrain_last_broken, look=what_moved,
        cases=lambda: [(_untrained_head(0), small_batches(5, 1)),
                       (_untrained_head(2), small_batches(8, 3))],
        mistakes={
            "Without decay, but with gradients: now the first layers are trained as well.":
                lambda model, batches: _retrained(model, batches, decay=0.0),
            "The weights stand still; the biases of those layers have still moved.":
                _only_weights_frozen,
            "Nothing moves any more, not even the last layer.":
                lambda model, batches: copy.deepcopy(model),
            "One of the layers that should stand still is still trained: only the last one may "
            "be.": lambda model, batches: _retrained(model, batches, parts=(1, 2)),
            "That trains the other layers and not the last.":
                lambda model, batches: _retrained(model, batches, parts=(0, 1)),
        },
        idea="what AdamW does to a weight besides following its gradient",
        hints=("With a gradient of zero, what does AdamW's step still do? Its second argument "
               "tells.",
               "Weight decay shrinks whatever the optimiser has been given.",
               "Give the optimiser only what it may move: last.parameters()."),
        right="What an optimiser is not given, it cannot move.",
        why="Decoupled weight decay shrinks every weight that the optimiser holds, gradient or no "
            "gradient. So it gets the last layer's alone.",
    ),
    Exercise(
        "8.3", "The collapse after removal", 2, 6,
        reference=smaller, broken=smaller_broken,
        cases=lambda: [(*_block(6, 0), torch.tensor([1, 3, 4])),
                       (*_block(5, 1), torch.tensor([2, 4])),
                       (*_block(4, 2), torch.tensor([0, 3]))],
        mistakes={
            "Scale and shift now belong to the right filters; the running mean and variance do "
            "not yet.":
                lambda conv, norm, keep: _partly_smaller(conv, norm, keep, ("weight", "bias")),
            "The running mean and variance are right now; scale and shift are still those of the "
            "first filters.":
                lambda conv, norm, keep: _partly_smaller(
                    conv, norm, keep, ("running_mean", "running_var")),
            "Now convolution and batch norm agree, on the wrong filters: the first ones, not those "
            "in keep.": lambda conv, norm, keep: smaller(conv, norm, torch.arange(len(keep))),
            "The running statistics are those of a batch norm that has seen nothing. They belong "
            "to the filters and go with them.": _fresh_statistics,
            "The layers are left in training mode, and there a batch norm ignores what it has "
            "stored.": lambda conv, norm, keep: [
                part.train() for part in smaller(conv, norm, keep)],
        },
        idea="which filters the four tensors of the batch norm belong to",
        hints=("Which of the old entries does norm.weight.data[:2] take, if keep is [1, 3]?",
               "Four tensors have an entry for each filter: weight, bias, running_mean and "
               "running_var.",
               "Index all four with keep, as the convolution's weight is."),
        right="Now the dots lie on the diagonal: removed is equal to zeroed.",
        why="A batch norm has a scale, a shift, a mean and a variance for each filter. Those that "
            "stay are those of the filters that stay.",
    ),
    Exercise(
        "8.4", "The layer that vanished", 3, 10,
        reference=global_masks, broken=global_masks_broken,
        cases=lambda: [(_weights_of(0), 0.5), (_weights_of(1), 0.8), (_weights_of(2), 0.6)],
        mistakes={
            "That prunes each layer by the same share. A tenth is only a floor: above it layers "
            "still compete.": _by_layer,
            "Only a layer that is wholly empty is filled up there. The floor holds for a layer "
            "with a few weights as well.": _only_empty,
            "A weight has to pass both there. The floor is there to let more stay, so one is "
            "enough.": _both_needed,
            "A layer that falls below the floor is kept whole there. Its largest tenth is enough.":
                _whole_layer,
            "That keeps the largest tenth of each layer and nothing more.":
                lambda weights, sparsity: {name: weight.abs() >= _floor(weight, 0.1)
                                           for name, weight in weights.items()},
        },
        idea="two thresholds: the one for all, and the one above which a layer's largest tenth "
             "lies",
        hints=("For one layer: above which magnitude does its largest tenth lie?",
               "weight.abs().flatten().sort().values[round(0.9 * weight.numel())] is the smallest "
               "magnitude of that tenth.",
               "A weight stays if it reaches the lower of the two thresholds."),
        right="No layer is empty now, and the rest is decided globally, as before.",
        why="A layer keeps what the global threshold leaves it, and at least its largest tenth: "
            "the lower of the two thresholds counts.",
    ),
    Exercise(
        "8.5", "As good as chance", 1, 4,
        reference=neuron_scores, broken=neuron_scores_broken,
        cases=lambda: [(torch.tensor([[1.0, -2.0], [3.0, 5.0]]),),
                       (torch.tensor([[0.0, 1.0, 0.0], [2.0, -2.0, 2.0], [0.5, 0.0, -0.5]]),)],
        mistakes={
            "Positive and negative weights cancel there: magnitudes first.":
                lambda weight: weight.sum(dim=1),
            "That is one number for the whole layer. Each neuron has its own.":
                lambda weight: weight.abs().sum(),
            "That is the L2 norm. L1 adds magnitudes up.": lambda weight: weight.norm(dim=1),
        },
        idea="what a row and what a column of PyTorch's weight stands for",
        hints=("PyTorch's weight has the shape (neurons, inputs). Over which of the two do you "
               "have to sum?",
               "dim=0 sums down the columns and leaves one number for each input."),
        right="Now the curve lies above that of the lots.",
        why="A neuron is a row, so its norm is a sum along the row, over dimension 1.",
    ),
    Exercise(
        "8.6", "Too good to be true", 1, 4,
        reference=choice, broken=choice_broken,
        cases=lambda: [
            (_candidates((900, 0.001, 0.002), (500, 0.004, 0.007), (300, 0.008, 0.004),
                         (100, 0.008, 0.001)), 0.005),
            (_candidates((900, 0.003, 0.009), (500, 0.001, 0.001), (200, 0.005, 0.008),
                         (100, 0.02, 0.003)), 0.005),
            (_candidates((900, 0.0, 0.012), (400, 0.009, 0.001), (300, 0.009, 0.008)), 0.01)],
        mistakes={
            "Chosen on validation, and reported on validation: that drop was searched for, so it "
            "flatters. Report the test split's.":
                lambda candidates, bound: _chosen(candidates, bound, report="validation"),
            "Asking for both is still a search on the test split.":
                lambda candidates, bound: _chosen(candidates, bound, drop=lambda each: max(
                    each["validation"], each["test"])),
            "The mean of both splits is still a search on the test split.":
                lambda candidates, bound: _chosen(candidates, bound, drop=lambda each: (
                    each["validation"] + each["test"]) / 2),
            "That is the candidate with the smallest drop. The smallest network within the bound "
            "is asked for.":
                lambda candidates, bound: _chosen(candidates, bound, key="validation"),
        },
        idea="which split decides, and which one reports",
        hints=("Which number of a candidate decides whether it fits? Which one is reported?",
               "Decide on validation, report test."),
        right="Now the reported drop is one that nobody has searched for.",
        why="What decides must not report. Validation decides, the test split is looked at once.",
    ),
    Exercise(
        "8.7", "The best of all checkpoints", 1, 4,
        reference=best_round, broken=best_round_broken,
        cases=lambda: [
            (_rounds((0.5, 0.985), (0.8, 0.984), (0.95, 0.97), (0.95, 0.976)), 0.95),
            (_rounds((0.3, 0.9), (0.6, 0.91), (0.9, 0.88), (0.95, 0.87)), 0.9),
            (_rounds((0.9, 0.98), (0.95, 0.96)), 0.95),
            (_rounds((0.5, 0.98), (0.6, 0.97)), 0.9)],
        mistakes={
            "That is the last round. It has the sparsity, but an earlier one with it may read "
            "better.": lambda rounds, target: rounds[-1] if (
                rounds[-1]["sparsity"] >= target) else None,
            "That is the first that reaches the target. A later one may read better.":
                lambda rounds, target: next(
                    (each for each in rounds if each["sparsity"] >= target), None),
            "That is the sparsest. Of those that reach the target the best reader is asked for.":
                lambda rounds, target: max(rounds, key=lambda each: each["sparsity"]),
            "Where no round has reached the target there is none to return: None.":
                lambda rounds, target: best_round(rounds, target) or rounds[0],
        },
        idea="which rounds may be compared at all",
        hints=("Which rounds have the sparsity that was asked for?",
               "Skip all others, also as the first best: begin with None."),
        right="Accuracy is compared only among rounds that are sparse enough.",
        why="A network that is less sparse reads better, and is not what was asked for.",
    ),
)
