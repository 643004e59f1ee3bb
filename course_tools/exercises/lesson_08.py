"""Exercises of lesson 08, the bug lab: programs that run and are wrong, and what mends them."""

import copy
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib._state import seeded
from course_lib.masks import apply_masks, keep_top, magnitude_masks
from course_lib.models import prunable_layers

from course_tools.exercises import promise
from course_tools.exercises.kinds import Exercise, Quiz


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
                      bias=conv.bias is not None)
    small.weight.data = conv.weight.data[keep]
    if conv.bias is not None:
        small.bias.data = conv.bias.data[keep]
    slim = nn.BatchNorm2d(len(keep))
    slim.weight.data = norm.weight.data[:len(keep)]
    slim.bias.data = norm.bias.data[:len(keep)]
    slim.running_mean = norm.running_mean[:len(keep)]
    slim.running_var = norm.running_var[:len(keep)]
    return small.eval(), slim.eval()


def smaller(conv, norm, keep):
    """Return a convolution and its batch norm without the filters that `keep` leaves out."""
    small = nn.Conv2d(conv.in_channels, len(keep), conv.kernel_size, padding=conv.padding,
                      bias=conv.bias is not None)
    small.weight.data = conv.weight.data[keep]
    if conv.bias is not None:
        small.bias.data = conv.bias.data[keep]
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
        conv = nn.Conv2d(2, filters, 3, padding=1, bias=seed < 2)
        norm = nn.BatchNorm2d(filters)
        for values in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
            values.uniform_(0.5, 2.0)
    return conv.eval(), norm.eval()


# 4. A global threshold empties a layer

def global_masks_broken(weights, sparsity):
    """Prune exactly this share of all weights, globally; each layer's largest 5 % stay."""
    every = torch.cat([weight.abs().flatten() for weight in weights.values()])
    threshold = every.sort().values[round(sparsity * len(every))]
    return {name: weight.abs() >= threshold for name, weight in weights.items()}


def global_masks(weights, sparsity):
    """Prune exactly this share of all weights, globally; each layer's largest 5 % stay."""
    scores = {}
    for name, weight in weights.items():
        floor = keep_top(weight.abs(), 0.95)
        scores[name] = weight.abs().masked_fill(floor, torch.inf)
    chosen = keep_top(torch.cat([score.flatten() for score in scores.values()]), sparsity)
    parts = chosen.split([score.numel() for score in scores.values()])
    return {name: part.view_as(weights[name]) for name, part in zip(scores, parts, strict=True)}


def _by_layer(weights, sparsity):
    return {name: keep_top(weight.abs(), sparsity) for name, weight in weights.items()}


def _floor_added(weights, sparsity):
    """Keep what the threshold keeps, and the floor beside it: more than was asked for."""
    found = global_masks_broken(weights, sparsity)
    return {name: mask | keep_top(weights[name].abs(), 0.95) for name, mask in found.items()}


def _only_empty(weights, sparsity):
    """Fill a layer up only where nothing at all is left."""
    found = global_masks_broken(weights, sparsity)
    return {name: mask if mask.any() else keep_top(weights[name].abs(), 0.95)
            for name, mask in found.items()}


def _whole_layer(weights, sparsity):
    found = global_masks_broken(weights, sparsity)
    return {name: mask if mask.double().mean() >= 0.05 else torch.ones_like(mask)
            for name, mask in found.items()}


def _in_sigmas(weights, sparsity):
    return global_masks_broken({name: weight / weight.std() for name, weight in weights.items()},
                               sparsity)


def _weights_of(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scales = {"fc1": (0.01, 0.3, 0.2)[seed], "fc2": 1.0, "fc3": 0.45}
    return {name: scale * torch.randn(10, 8 if name == "fc1" else 10, generator=generator)
            for name, scale in scales.items()}


# 5. A mask turned over

def largest_broken(weight, sparsity):
    """Return a mask that keeps the largest magnitudes of a weight, (neurons, inputs)."""
    on_paper = weight.T  # a row for each input, a column for each neuron
    mask = keep_top(on_paper.abs(), sparsity)
    return mask.reshape(weight.shape)


def largest(weight, sparsity):
    """Return a mask that keeps the largest magnitudes of a weight, (neurons, inputs)."""
    on_paper = weight.T  # a row for each input, a column for each neuron
    mask = keep_top(on_paper.abs(), sparsity)
    return mask.T


def _row_by_row(weight, sparsity):
    return torch.stack([keep_top(row.abs(), sparsity) for row in weight])


# 6. Chosen on the test split

def choice_broken(candidates, bound):
    """Return the nonzero weights of the smallest candidate within the bound, and its drop."""
    fitting = [each for each in candidates if each["test"] <= bound]
    best = min(fitting, key=lambda each: each["nonzero"])
    return best["nonzero"], best["test"]


def choice(candidates, bound):
    """Return the nonzero weights of the smallest candidate within the bound, and its drop."""
    fitting = [each for each in candidates if each["validation"] <= bound]
    best = min(fitting, key=lambda each: each["nonzero"])
    return best["nonzero"], best["test"]


def _chosen(candidates, bound, *, drop=lambda each: each["validation"], report="test",
            key="nonzero"):
    """Choose by another drop, report on another split, or take the least of something else."""
    fitting = [each for each in candidates if drop(each) <= bound]
    best = min(fitting or candidates, key=lambda each: each[key])
    return best["nonzero"], best[report]


def _candidates(*rows):
    return [dict(zip(("nonzero", "validation", "test"), row, strict=True)) for row in rows]


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
        "8.1", "The weights that came back", 2, 6,
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
        "8.2", "The layer that faded", 2, 4,
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
        "8.3", "The collapse after removal", 2, 5,
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
        "8.4", "The layer that vanished", 3, 9,
        reference=global_masks, broken=global_masks_broken,
        cases=lambda: [(_weights_of(0), 0.5), (_weights_of(1), 0.8), (_weights_of(2), 0.9)],
        mistakes={
            "No layer is empty there, but more stays than was asked for. What the floor saves in "
            "one layer, the others have to give.": _floor_added,
            "That prunes each layer by the same share. 5 % is only a floor: above it the layers "
            "still compete.": _by_layer,
            "Only a layer that is wholly empty is filled up there. The floor holds for a layer "
            "with a few weights as well.": _only_empty,
            "A layer that falls below the floor is kept whole there. Its largest 5 % are enough.":
                _whole_layer,
            "That keeps the largest 5 % of each layer and nothing more.":
                lambda weights, sparsity: _by_layer(weights, 0.95),
            "In units of each layer's σ no layer is emptied here, and often that is the better "
            "remedy. The docstring promises a floor, though.": _in_sigmas,
        },
        idea="how many weights stay in all, and who gives up what the floor saves",
        hints=("Which weights are safe, whatever the threshold says? keep_top(weight.abs(), 0.95) "
               "is their mask.",
               "Give safe weights a score that no other can reach: masked_fill(mask, torch.inf).",
               "Then keep_top on all scores in one row, with the sparsity that was asked for, and "
               "split cuts the mask into layers again."),
        right="No layer is empty now, the share is met to the weight, and above the floor layers "
              "still compete.",
        why="What is safe gets an infinite score; the others compete for what is left. So the "
            "share stays exact: what the floor saves in one layer, others give.",
    ),
    Exercise(
        "8.5", "As good as chance", 2, 4,
        reference=largest, broken=largest_broken,
        cases=lambda: [(torch.tensor([[0.1, -0.9, 0.2], [0.8, -0.3, 0.05]]), 0.5),
                       (torch.randn(4, 3, generator=torch.Generator().manual_seed(1)), 0.75),
                       (torch.randn(3, 3, generator=torch.Generator().manual_seed(2)), 0.4)],
        mistakes={
            "Without magnitudes the large negative weights go first.":
                lambda weight, sparsity: keep_top(weight, sparsity),
            "Those are the smallest magnitudes.":
                lambda weight, sparsity: keep_top(-weight.abs(), sparsity),
            "That takes the same share from each neuron. The layer's weights are to compete.":
                _row_by_row,
            "The sparsity is the share that goes, not the one that stays.":
                lambda weight, sparsity: keep_top(weight.abs(), 1 - sparsity),
            "The mask has the shape of the matrix on paper. It has to fit PyTorch's weight.":
                lambda weight, sparsity: keep_top(weight.T.abs(), sparsity),
        },
        idea="to which weight each entry of the mask belongs, before and after the last line",
        hints=("Take the weight [[1, 2, 3], [4, 5, 6]] and write down on_paper. Which place has "
               "the 4 there? And which one after reshape?",
               "reshape keeps the order in which numbers are read, and cuts new rows. It does not "
               "turn a matrix over.",
               "What .T turned over, .T turns back."),
        right="Now each entry of the mask stands at its own weight, and the curve lies above the "
              "random draws.",
        why="reshape reads the mask row by row and fills the other shape with it, so that entries "
            "come to stand at weights that they do not belong to. .T turns the matrix back.",
    ),
    Exercise(
        "8.6", "Too good to be true", 1, 3,
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
        "8.7", "The best of all checkpoints", 1, 3,
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
    Exercise(
        "8.8", "The test that catches it", 3, 10,
        reference=promise.is_right,
        cases=lambda: [(program,) for program in promise.PROGRAMS],
        mistakes={
            "Your test counts zeros and looks at nothing else. Which weights are zero? And what "
            "has become of the model that went in?": promise.counts_only,
            "The model that went in is looked at, and zeros are counted. But the right number of "
            "zeros can be the wrong weights.": promise.counts_and_compares,
            "What you keep from before changes along with the model: it is no copy. "
            "copy.deepcopy makes one, state_dict() does not.": promise.without_copy,
            "Another object may still share its layers with the first. Compare the numbers of the "
            "model before and after.": promise.other_object,
            "Your test looks at one layer of the model that went in. A program may spoil another "
            "one.": promise.first_layer,
            "Your test turns right programs away: what is pruned has to differ from the model "
            "that went in.": promise.against_itself,
            "At a sparsity of 0 most programs are right. Ask for one at which something goes.":
                promise.nothing_pruned,
        },
        idea="the three promises: is there a wrong program for each that your test lets pass",
        hints=("Run the program yourself, and compare the model before and after. What do you "
               "have to keep from before, so that there is something to compare with?",
               "Make a small network of two layers and a deep copy of it. After the call hold the "
               "network against its copy, number by number: state_dict() has them all.",
               "For what is returned you know the answer: masked(before, "
               "magnitude_masks(before, 0.5)). Compare it in the same way."),
        right="Your test turns away six programs, each wrong in its own way, and lets two right "
              "ones pass.",
        why="A copy made before the call is what the model is held against, and an independent "
            "program, the library's, says what should come back. Comparing all numbers leaves "
            "nothing out.",
    ),
    Quiz(
        "8.9", "What the drop says", 2, 1,
        answer="b",
        choices={"a": "about as many points as lesson 02 lost at 90 %, nothing retrained",
                 "b": "exactly zero",
                 "c": "a value below zero: the pruned network reads better"},
        mistakes={"a": "It would be so if the two networks were two. Are they?",
                  "c": "For that the two would have to judge some image differently."},
        idea="which two networks drop compares, after the program has run",
        hints=("Exercise 8.8 asks what becomes of the model that went in.",
               "Compared with what is drop(model, pruned, split), if both are the same weights?"),
        right="The network is compared with itself.",
        why="The shallow copy shares its layers, so the model that went in is pruned as well, and "
            "no image is judged differently.",
    ),
)
