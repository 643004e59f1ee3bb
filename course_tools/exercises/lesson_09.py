"""Exercises of lesson 09, in practice."""

import torch
from torch import Tensor

from course_tools.exercises.kinds import Exercise, Quiz


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


def group_scores(weights: list[Tensor]) -> Tensor:
    """Return one score a filter: its L1 norms in all the coupled convolutions, added up."""
    return sum(weight.abs().sum(dim=(1, 2, 3)) for weight in weights)


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
SMALL = [torch.tensor([3.0, -1.0, 2.0]).reshape(3, 1, 1, 1),
         torch.tensor([[1.0, -1.0, 0.0], [2.0, 2.0, -2.0], [0.0, 0.0, 0.5]]).reshape(3, 3, 1, 1)]
STEM = [torch.arange(-7.0, 9.0).reshape(2, 2, 2, 2), torch.arange(-3.0, 1.0).reshape(2, 2, 1, 1)]


EXERCISES = (
    Exercise(
        "9.1", "Which amount?", 1, 4,
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
        "9.2", "After ten calls", 1, 2,
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
    Exercise(
        "9.3", "What hangs together", 3, 12,
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
        "9.4", "One score for all", 2, 6,
        reference=group_scores,
        cases=lambda: [(SMALL,), (STEM,), (SMALL[1:],)],
        mistakes={
            "That looks at the first convolution only; the others lose the same filter.":
                lambda weights: weights[0].abs().sum(dim=(1, 2, 3)),
            "The norms are multiplied there. They are to be added.":
                lambda weights: torch.stack([part.abs().sum(dim=(1, 2, 3)) for part in weights]
                                            ).prod(0),
            "That takes the largest of the norms; all of them count.":
                lambda weights: torch.stack([part.abs().sum(dim=(1, 2, 3)) for part in weights]
                                            ).amax(0),
            "Positive and negative weights cancel there: magnitudes first.":
                lambda weights: sum(part.sum(dim=(1, 2, 3)) for part in weights),
            "Those are norms of channels. What goes is a filter, so dimension 0 has to stay.":
                lambda weights: sum(part.abs().sum(dim=(0, 2, 3)) for part in weights),
            "A norm adds magnitudes up; that takes their mean in each convolution.":
                lambda weights: sum(part.abs().mean(dim=(1, 2, 3)) for part in weights),
        },
        idea="the norm of one filter in each convolution, and what is done with these norms",
        hints=("For a single convolution, lesson 04 has a score for each filter.",
               "weight.abs().sum(dim=(1, 2, 3)) is one number for each filter. Do this for every "
               "convolution in the list.",
               "All of them have as many filters, so their scores can be added."),
        right="A filter that is weak at one end may be strong at the other: the sum decides.",
        why="The filters with one number go together, so they are judged together: one norm in "
            "each convolution, added up.",
    ),
    Exercise(
        "9.5", "Sizes from a file", 2, 6,
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
