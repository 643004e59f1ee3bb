"""Exercises of lesson 09, in practice."""

import copy

import torch
import torch_pruning as tp
from torch import Tensor, nn

from course_lib.measure import measure
from course_lib.models import ResNet, load_trained
from course_lib.training import evaluate, reestimate_batch_norm

from course_tools.exercises.kinds import Exercise, Project, Quiz
from course_tools.exercises.weighing import Scales, Weighed, mnist


def amount_for(sparsity: float, wanted: float) -> float:
    """Return the share of the rest that has to go, to get from one sparsity to another."""
    return (wanted - sparsity) / (1 - sparsity)


def coupled(name: str, sums: list[tuple[str, str]]) -> list[str]:
    """Return all layers that lose the same filters as `name`, sorted, itself included."""
    found = {name}
    while True:
        more = found.union(*(pair for pair in sums if found & set(pair)))
        if more == found:
            return sorted(found)
        found = more


def same_block(removed: Tensor, zeroed: Tensor, k: int) -> bool:
    """Return whether map k of the zeroed block is silent, and the others are those of `removed`."""
    others = torch.arange(zeroed.shape[1]) != k
    silent = not zeroed[:, k].any()
    return silent and torch.allclose(removed, zeroed[:, others], rtol=0, atol=1e-4)


def half(resnet: ResNet, images: Tensor) -> ResNet:
    """Take from the last block's conv1 alone: nobody adds to it, and its filters are large."""
    pruned = copy.deepcopy(resnet)
    free = {pruned.blocks[2].conv1: 0.75}
    tp.pruner.BasePruner(pruned, images[:1], pruning_ratio=0, pruning_ratio_dict=free,
                         importance=tp.importance.GroupMagnitudeImportance(p=1),
                         ignored_layers=[pruned.fc]).step()
    return pruned


def sizes(state: dict[str, Tensor]) -> dict[str, tuple[int, int]]:
    """Return (outputs, inputs) of each convolution and Linear layer in a state_dict."""
    return {name.removesuffix(".weight"): tuple(values.shape[:2])
            for name, values in state.items() if values.dim() > 1}


def _one_pass(name: str, sums: list[tuple[str, str]]) -> list[str]:
    found = {name}
    for pair in sums:
        if found & set(pair):
            found |= set(pair)
    return sorted(found)


def _forwards(name: str, sums: list[tuple[str, str]]) -> list[str]:
    found = {name}
    for _ in sums:
        found |= {second for first, second in sums if first in found}
    return sorted(found)


def _partners(name: str, sums: list[tuple[str, str]]) -> list[str]:
    return sorted({name}.union(*(pair for pair in sums if name in pair)))


def _state(stem: int, width: int, *, bias: bool) -> dict[str, Tensor]:
    """Return the state of a stem with its batch norm, a convolution, and a Linear layer."""
    state = {"stem.conv.weight": torch.ones(stem, 1, 5, 5), "stem.norm.weight": torch.ones(stem),
             "stem.norm.num_batches_tracked": torch.tensor(7),
             "conv.weight": torch.ones(width, stem, 3, 3), "fc.weight": torch.ones(10, width)}
    return state | ({"fc.bias": torch.ones(10)} if bias else {})


CHAINED = [("stem", "block0"), ("block0", "block1"), ("short2", "block2")]
UPHILL = [("block1", "block2"), ("block0", "block1"), ("stem", "block0")]


def _block(k: int, *, silent: bool = True, other: int | None = None, order: bool = True,
           strayed: float = 0.0) -> tuple[Tensor, Tensor, int]:
    """Return maps of a block without filter k, or without another, those of one zeroed, and k."""
    zeroed = torch.rand(3, 5, 2, 2, generator=torch.Generator().manual_seed(k))
    zeroed[:, k] = 0.0 if silent else 0.25
    stay = [number for number in range(5) if number != (k if other is None else other)]
    removed = zeroed[:, stay if order else stay[::-1]] + 1e-6
    removed[2] += strayed
    return removed, zeroed, k


# Half of the network

LEFT, ACCURACY = 0.5, 0.98


def _read(answer: nn.Module) -> Weighed:
    """Return the share of parameters left, and the accuracy on 2,000 digits, batch norms anew."""
    accuracy = evaluate(reestimate_batch_norm(answer, mnist().train), mnist().validation[:2_000])
    whole = measure(load_trained("resnet_mini")).parameters
    return Weighed(measure(answer).parameters / whole, accuracy)


SCALES = Scales(
    "my_half", ", such as a pruned copy of resnet", _read,
    {"parameters": f"at most {100 * LEFT:g} % of resnet_mini's",
     "accuracy": f"at least {100 * ACCURACY:g} %, statistics estimated anew"},
    lambda found: (found.size <= LEFT, found.accuracy >= ACCURACY))


EXERCISES = (
    Exercise(
        "9.1", "Which amount?", 1, 3,
        reference=amount_for,
        cases=lambda: [(0.5, 0.9), (0.2, 0.36), (0.9, 0.99), (0.6, 0.6)],
        mistakes={
            "That is a share of all weights. An amount counts only those that are left.":
                lambda sparsity, wanted: wanted - sparsity,
            "With that amount, as large a share of the *rest* would go again.":
                lambda sparsity, wanted: wanted,
            "That divides by what is gone. An amount is a share of what is left.":
                lambda sparsity, wanted: (wanted - sparsity) / sparsity,
            "That is the share of the rest that stays.":
                lambda sparsity, wanted: (1 - wanted) / (1 - sparsity),
        },
        idea="how much is left before the call, and how much of it has to go",
        hints=("Take a hundred weights, of which 50 are zero, and 90 are to be. How many have to "
               "go, and of how many?",
               "40 of the 50 that are left: an amount of 0.8.",
               "What has still to go is wanted − sparsity; what is left is 1 − sparsity."),
        right="From a half to nine tenths takes an amount of 0.8.",
        why="What has still to go, as a share of what is left.",
    ),
    Quiz(
        "9.2", "After ten calls", 1, 1,
        choices={"a": "about a tenth as long", "b": "as long as it was",
                 "c": "about twice as long", "d": "about eleven times as long"},
        answer="c",
        mistakes={
            "a": "A zero is stored like any other number, as lesson 02 has shown.",
            "b": "The zeros alone would leave it so. But what else does the layer hold now, beside "
                 "its weights?",
            "d": "That would be a mask for each call. Each call combines its own with the one that "
                 "is there already.",
        },
        idea="the list of tensors that the layer above holds after one call",
        hints=("What does a layer hold after one call that it did not hold before?",
               "The mask is made of numbers with 32 bits, like the weights. A second call changes "
               "it; does it add another one?"),
        right="All the weights, and a mask as large. After one call already, and after ten.",
        why="The original weights stay, all of them, and a mask of 32-bit numbers stands beside "
            "them. Further calls change that mask.",
    ),
    Quiz(
        "9.3", "Three or five", 2, 2,
        choices={"a": "3 runs, 5 raises the error once more",
                 "b": "both run, and both compute the same",
                 "c": "both run, and only one of them computes what zeroing computes"},
        answer="c",
        mistakes={
            "a": "The error compared numbers of maps. How many has each side of the plus, without "
                 "filter 3 of the stem, and how many without filter 5?",
            "b": "Without filter 3 of `conv2` its maps are 0, 1, 2, 4, 5, … Write down those of a "
                 "stem without filter 5 below them. What is added to what?",
        },
        idea="what stands above what at the plus, map by map",
        hints=("Does the error message know which filter went, or only how many are left?",
               "Write down the numbers of the maps on both sides of the plus, in order."),
        right="15 is 15, so nothing complains; but 4 is added to 3, and 5 to 4.",
        why="Shapes agree in both cases. Maps are added by their place, and where different ones "
            "went, different ones meet.",
    ),
    Quiz(
        "9.4", "Which channel?", 2, 1,
        answer=6,
        mistakes={
            2: "That is map 2 of `small`, which stands first and keeps all of its maps.",
            3: "Channels are counted from 0, as filters are.",
            7: "Count from 0: the maps of `small` are channels 0 to 3. Where does `large` begin?",
            8: "`large` stands second, behind the 4 maps of `small`, not behind its own 6.",
        },
        idea="in which order the maps are laid one behind the other, counted from 0",
        hints=("Which channels does the reader count, in order? First those of `small`.",
               "`small` has 4 maps: channels 0 to 3. Map 0 of `large` is channel 4."),
        right="Its own number, behind the four maps that stand before it.",
        why="Maps 0 to 3 are those of `small`, and map 2 of `large` follows as number 4 + 2.",
    ),
    Exercise(
        "9.5", "What hangs together", 3, 8,
        reference=coupled,
        cases=lambda: [("stem", CHAINED), ("block1", CHAINED), ("short2", CHAINED),
                       ("inner", CHAINED), ("stem", UPHILL), ("block0", UPHILL)],
        mistakes={
            "Those are the direct partners. Their partners have to follow too, and so on.":
                _partners,
            "The layer itself loses its filter as well: it belongs to the answer.":
                lambda name, sums: [other for other in coupled(name, sums) if other != name],
            "One pass over the sums can come too early for some of them: repeat until nothing is "
            "added.": _one_pass,
            "A sum has two ends, and either pulls the other along. There only the second follows "
            "the first.": _forwards,
            "Those are all layers that are added to any other. Not all of them hang together.":
                lambda name, sums: sorted({name}.union(*sums)),
        },
        idea="who is added to whom, and to whom those are added in turn",
        hints=("Begin with a set that holds only `name`. Which layers have to join it?",
               "For every sum that has one end in the set, the other end joins. A layer that has "
               "joined may pull further ones in.",
               "Repeat until a whole pass adds nothing, then return sorted(the set)."),
        right="That is a dependency graph, and a group is a connected part of it.",
        why="Each sum ties two layers together. A set grows along these ties until it no longer "
            "changes: a connected part of a graph.",
    ),
    Exercise(
        "9.6", "The test that no error replaces", 2, 6,
        reference=same_block,
        cases=lambda: [_block(2), _block(0), _block(1, other=3), _block(4, silent=False),
                       _block(1, order=False), _block(4, strayed=0.01), _block(4)],
        mistakes={
            "Equal shapes are not enough: with another filter removed they are the same.":
                lambda removed, zeroed, k: removed.shape[1] == zeroed.shape[1] - 1,
            "The map that is left out is map k, not the last one.":
                lambda removed, zeroed, k: torch.allclose(
                    removed, zeroed[:, :-1], rtol=0, atol=1e-4),
            "And is map k silent? One that still speaks is not what was removed.":
                lambda removed, zeroed, k: torch.allclose(
                    removed, zeroed[:, torch.arange(5) != k], rtol=0, atol=1e-4),
            "A sum over all maps does not notice that they stand in another order.":
                lambda removed, zeroed, k: (not zeroed[:, k].any()) and bool(
                    (removed.sum(dim=1) - zeroed.sum(dim=1)).abs().max() < 1e-4),
            "Sums are added up in another order in a smaller network: allow for 0.0001.":
                lambda removed, zeroed, k: torch.equal(
                    removed, zeroed[:, torch.arange(5) != k]),
            "Only the first image is looked at there.":
                lambda removed, zeroed, k: same_block(removed[:1], zeroed[:1], k),
        },
        idea="what has to be true of map k, and what of all others",
        hints=("Two things have to hold: what was removed said nothing, and everything else is as "
               "it was.",
               "zeroed[:, k] are the maps that have to be 0. torch.arange(zeroed.shape[1]) != k "
               "chooses all others.",
               "torch.allclose(..., rtol=0, atol=1e-4) compares what is left, as the lesson's "
               "`same` does, and `and` joins it to the first condition."),
        right="This line finds what neither an error nor the accuracy tells.",
        why="A removal is right where it equals a zeroing: map k is silent, and all others agree, "
            "one by one and image by image, up to rounding.",
    ),
    Project(
        "9.7", "Half of a residual network", 3, 8,
        reference=half, weigh=SCALES.weigh, budgets=SCALES.findings, met=SCALES.met,
        mistakes={
            "Too many parameters are left, and too much accuracy is lost: take from other groups.":
                lambda found: found.size > LEFT and found.accuracy < ACCURACY,
            "It reads well, but more than half of the parameters are left. Which layers have the "
            "most?": lambda found: found.size > LEFT,
            "It is small enough, and lost too much. A group that is added is read by all that "
            "follows. Which layers stand alone, in the figure with the letters?":
                lambda found: True,
        },
        idea="which groups stand alone, and where most of the parameters are",
        hints=("A share for every group will not do. Print name and weight.numel() for each of "
               "prunable_layers(resnet): where are the most?",
               "The last block has most of them. Of its two groups one stands alone: E, its "
               "conv1. A filter there takes a channel of conv2 along, and nothing else.",
               "pruning_ratio_dict={pruned.blocks[2].conv1: share} and pruning_ratio=0, with "
               "three quarters for the share."),
        right="Half of the parameters from one free group, and nothing trained.",
        why="Where nobody adds, a filter goes alone. conv1 of the last block and conv2, which "
            "reads it, hold most of the parameters; the sums, on which all that follows depends, "
            "stay whole.",
    ),
    Exercise(
        "9.8", "Sizes from a file", 2, 3,
        reference=sizes,
        cases=lambda: [(_state(8, 16, bias=True),), (_state(3, 5, bias=False),)],
        mistakes={
            "The names are to be those of the layers, without .weight at the end.":
                lambda state: {f"{name}.weight": size for name, size in sizes(state).items()},
            "Outputs come first in a weight's shape, and first in the answer.":
                lambda state: {name: size[::-1] for name, size in sizes(state).items()},
            "Biases and batch norms are there too; they have no inputs of their own.":
                lambda state: {name.removesuffix(".weight"): tuple(values.shape[:2])
                               for name, values in state.items()},
            "That is the whole shape. The window is not asked for.":
                lambda state: {name.removesuffix(".weight"): tuple(values.shape)
                               for name, values in state.items() if values.dim() > 1},
            "The Linear layer is missing: its weight has two dimensions, not four.":
                lambda state: {name: size for name, size in sizes(state).items() if name != "fc"},
        },
        idea="which tensors of the state have both outputs and inputs",
        hints=("Whose tensors have two dimensions or more?",
               "The first dimension counts outputs, the second inputs, for both kinds of layer.",
               "For each name and tensor with .dim() > 1: the name without '.weight', and a tuple "
               "of the first two numbers of its shape."),
        right="Whoever lost the config can read the sizes back from the file.",
        why="Only weights of convolutions and Linear layers have outputs and inputs, as their "
            "first two dimensions.",
    ),
)
