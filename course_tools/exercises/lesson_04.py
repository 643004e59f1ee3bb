"""Exercises of lesson 04, filters and channels."""

import torch
from torch import Tensor, nn

from course_lib.masks import units_to_keep
from course_lib.measure import measure
from course_lib.models import load_trained
from course_lib.removal import remove_units
from course_lib.training import evaluate, reestimate_batch_norm

from course_tools.exercises.kinds import Exercise, Project, Quiz
from course_tools.exercises.weighing import Scales, Weighed, mnist


def channel_norms(weight: Tensor) -> Tensor:
    """Return the L1 norm of each channel of a convolution's weight."""
    return weight.abs().sum(dim=(0, 2, 3))


def remove_filter(parts: dict[str, Tensor], k: int) -> dict[str, Tensor]:
    """Return the parts without filter k, its batch norm's entry, and the channel that reads it."""
    others = torch.arange(len(parts["conv.weight"])) != k
    smaller = {name: values[others] for name, values in parts.items()
               if name.startswith(("conv", "norm"))}
    return smaller | {"next.weight": parts["next.weight"][:, others],
                      "next.bias": parts["next.bias"]}


def remove_block(weight: Tensor, c: int, pixels: int) -> Tensor:
    """Return the weight without the columns that read channel c."""
    channel = torch.arange(weight.shape[1]) // pixels  # of each column
    return weight[:, channel != c]


def fair_epochs(macs: int, small_macs: int, epochs: int, again: int) -> int:
    """Return for how many epochs a small network may train to use as much compute."""
    return round(epochs * macs / small_macs) + again


def half(model: nn.Sequential) -> nn.Sequential:
    """Take most from the last block, where a layer alone bears it and the weights are."""
    shares = {"conv4_1": 0.5, "conv4_2": 0.5, "conv4_3": 0.25, "fc1": 0.5}
    return remove_units(model, units_to_keep(model, shares))


LEFT, ACCURACY = 0.5, 0.985


def _read(answer: nn.Module) -> Weighed:
    """Return the share of weights left, and the accuracy on 2,000 digits, batch norms anew."""
    accuracy = evaluate(reestimate_batch_norm(answer, mnist().train), mnist().validation[:2_000])
    return Weighed(measure(answer).weights / measure(load_trained("vgg_mini")).weights, accuracy)


SCALES = Scales(
    "my_half", ", such as remove_units returns", _read,
    {"weights": f"at most {100 * LEFT:g} % of vgg_mini's",
     "accuracy": f"at least {100 * ACCURACY:g} %, statistics estimated anew"},
    lambda found: (found.size <= LEFT, found.accuracy >= ACCURACY))


def _parts(filters: int, after: int, *, seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"conv.weight": (filters, 1, 3, 3), "conv.bias": (filters,),
              "norm.weight": (filters,), "norm.bias": (filters,), "norm.running_mean": (filters,),
              "norm.running_var": (filters,), "next.weight": (after, filters, 3, 3),
              "next.bias": (after,)}
    return {name: torch.rand(shape, generator=generator) for name, shape in shapes.items()}


def _but(parts: dict[str, Tensor], k: int, start: str) -> dict[str, Tensor]:
    """Return the right parts, but those whose names start so as they were."""
    old = {name: values for name, values in parts.items() if name.startswith(start)}
    return remove_filter(parts, k) | old


def _everywhere(parts: dict[str, Tensor], k: int) -> dict[str, Tensor]:
    return {name: values[torch.arange(len(values)) != k] for name, values in parts.items()}


def _bias_too(parts: dict[str, Tensor], k: int) -> dict[str, Tensor]:
    return remove_filter(parts, k) | {"next.bias": _everywhere(parts, k)["next.bias"]}


def _only(parts: dict[str, Tensor], k: int) -> dict[str, Tensor]:
    found = {name: values[k:k + 1] for name, values in parts.items()}
    return found | {"next.weight": parts["next.weight"][:, k:k + 1],
                    "next.bias": parts["next.bias"]}


def _in_place(parts: dict[str, Tensor], k: int) -> dict[str, Tensor]:
    parts.update(remove_filter(parts, k))
    return parts


def _columns_but(weight: Tensor, going: Tensor) -> Tensor:
    stay = torch.ones(weight.shape[1], dtype=torch.bool)
    stay[going] = False
    return weight[:, stay]


EXERCISES = (
    Quiz(
        "4.1", "Half of the filters", 1, 2,
        answer=0.25, tolerance=0.03,
        mistakes={
            0.5: "It would be so if a layer lost only its own filters. But each layer also reads "
                 "what the one before it makes.",
            0.75: "That is about the share that goes; what stays was the question.",
            25: "As a share between 0 and 1, please: 25 % is 0.25.",
        },
        idea="the matrix of one layer: how many rows are left, and how many columns",
        hints=("Think of one layer's matrix. What happens to its rows? And what to its columns, "
               "since the layer before loses half of its filters too?",
               "Half of the rows and half of the columns are left."),
        right="Half of the rows, half of the columns: a quarter of the matrix.",
        why="A layer's matrix has a row for each filter and a block of columns for each filter of "
            "the layer before. Half of both leaves a quarter.",
    ),
    Exercise(
        "4.2", "Norms of channels", 1, 3,
        reference=channel_norms,
        cases=lambda: [(torch.arange(-2.0, 10.0).reshape(2, 3, 1, 2),), (torch.ones(5, 2, 3, 3),),
                       (torch.tensor([[1.0, -2.0], [-3.0, 4.0]]).reshape(2, 2, 1, 1),)],
        mistakes={
            "Those are norms of filters. A channel is what all filters do with one input map, so "
            "dimension 1 has to stay.": lambda weight: weight.abs().sum(dim=(1, 2, 3)),
            "Positive and negative weights cancel there: magnitudes first.":
                lambda weight: weight.sum(dim=(0, 2, 3)),
            "That is the L2 norm, the root of the sum of squares. L1 is the sum of magnitudes.":
                lambda weight: weight.square().sum(dim=(0, 2, 3)).sqrt(),
            "That is the mean of the magnitudes; a norm adds them up.":
                lambda weight: weight.abs().mean(dim=(0, 2, 3)),
            "That is one norm for each window, filter by filter. A channel takes all filters "
            "together.": lambda weight: weight.abs().sum(dim=(2, 3)),
        },
        idea="the order of dimensions: filters, channels, height, width",
        hints=("Which of the four dimensions has to be left in the end?",
               "Add up over all the others: sum takes several dimensions, as in dim=(2, 3).",
               "Magnitudes first, then the sum over dimensions 0, 2 and 3."),
        right="Choosing by these asks who is read, not who speaks.",
        why="A channel's weights are those of all filters, at all places of the window, for one "
            "input map. So we add magnitudes up over all dimensions but the channels'.",
    ),
    Exercise(
        "4.3", "What a filter takes along", 2, 8,
        reference=remove_filter,
        cases=lambda: [(_parts(3, 3, seed=0), 1), (_parts(2, 4, seed=1), 0),
                       (_parts(4, 4, seed=2), 3)],
        mistakes={
            "The batch norm behind the convolution still has an entry for the filter that went: "
            "all four of its tensors become shorter.":
                lambda parts, k: _but(parts, k, "norm"),
            "The next convolution still reads the map that is gone: its weight loses a channel.":
                lambda parts, k: _but(parts, k, "next"),
            "That takes a filter away from the next convolution. Its channels, dimension 1, are "
            "what reads ours; and its bias belongs to its own filters, which all stay.":
                _everywhere,
            "The next convolution's bias belongs to its own filters, and they all stay.": _bias_too,
            "The bias of the filter that went is left behind.":
                lambda parts, k: _but(parts, k, "conv.bias"),
            "That keeps the one filter that was to go.": _only,
            "The dict you were given is changed there. Return a new one.": _in_place,
        },
        idea="the three modules, one by one: which of their dimensions counts our filters",
        hints=("Go through the names: for which tensors is the first dimension our filters?",
               "For the next convolution our filters are its channels, the second dimension of its "
               "weight. Its bias knows nothing of them.",
               "With others = [0, …] without k: values[others] for names that begin with conv or "
               "norm, parts['next.weight'][:, others], and the next bias as it is."),
        right="Six tensors lose an entry, one a channel, one stays: remove_units does the same "
              "walk.",
        why="Convolution and batch norm have one entry for each filter, along their first "
            "dimension. The next convolution reads filters as channels, along its second; its bias "
            "counts its own filters.",
    ),
    Exercise(
        "4.4", "Behind a Flatten", 3, 6,
        reference=remove_block,
        cases=lambda: [(torch.arange(24.0).reshape(2, 12), 1, 4),
                       (torch.arange(24.0).reshape(4, 6), 0, 2),
                       (torch.arange(24.0).reshape(3, 8), 2, 2)],
        mistakes={
            "That takes a single column. A channel fills as many columns as a map has pixels.":
                lambda weight, c, pixels: _columns_but(weight, torch.tensor([c])),
            "That takes a neuron, a row. A channel is an input, and inputs are columns.":
                lambda weight, c, pixels: weight[torch.arange(len(weight)) != c],
            "The block begins too early: before channel c stand c channels with all their pixels.":
                lambda weight, c, pixels: _columns_but(weight, torch.arange(c, c + pixels)),
            "That takes one column out of each group, as if the channels alternated. Flatten lays "
            "down one map after the other.":
                lambda weight, c, pixels: _columns_but(
                    weight, torch.arange(c, weight.shape[1], weight.shape[1] // pixels)),
            "The block is zero there, but still in place. It is to be gone.":
                lambda weight, c, pixels: weight * (
                    torch.arange(weight.shape[1]) // pixels != c),
            "That is the block itself. The rest is to be kept.":
                lambda weight, c, pixels: weight[:, c * pixels:(c + 1) * pixels],
        },
        idea="where the block begins, and how wide it is",
        hints=("Channel 0 is columns 0 to pixels − 1. Where does channel c begin?",
               "It begins at c · pixels and ends before (c + 1) · pixels.",
               "Put together what stands before and what stands behind, with torch.cat and dim=1, "
               "or choose the columns whose number divided by pixels, rounded down, is not c."),
        right="That is why a filter of LeNet-5 takes sixteen columns along.",
        why="Flatten writes one map after the other, so column j belongs to channel j // pixels. "
            "We keep the columns that belong to another.",
    ),
    Quiz(
        "4.5", "Two thousand images, no label", 2, 1,
        answer="d",
        choices={"a": "about 10 %, like guessing", "b": "about as much as before",
                 "c": "about 60 %", "d": "more than 90 %"},
        mistakes={
            "a": "It read more than that before, and what it now stores fits better, not worse.",
            "b": "No weight changes, true. But every map is shifted and scaled by what a batch "
                 "norm stores, and that does change.",
            "c": "It is more. So little was wrong with the weights that were left.",
        },
        idea="what a batch norm does with a mean and a variance that no longer fit",
        hints=("What does a batch norm subtract, and when did it learn that number?",
               "It was learnt when 8 filters fed the next layer. Now about 6 do, and the sums that "
               "arrive are others."),
        right="Most of the drop was stale statistics, not lost filters.",
        why="A batch norm subtracts the mean and divides by the spread that its maps had in "
            "training. With filters gone the maps have another mean and spread, so all later "
            "layers read numbers that they never saw. Both can be estimated anew without a label.",
    ),
    Exercise(
        "4.6", "A fair control", 2, 5,
        reference=fair_epochs,
        cases=lambda: [(2_700_000, 690_000, 3, 1), (1_000, 100, 10, 4), (800, 300, 5, 0),
                       (500, 500, 7, 2)],
        mistakes={
            "That is as many epochs. An epoch of the small network costs less, so by compute it "
            "may have more of them.": lambda macs, small_macs, epochs, again: epochs + again,
            "The pruned network was retrained as well; the control gets those epochs too.":
                lambda macs, small_macs, epochs, again: round(epochs * macs / small_macs),
            "Retraining was done with the small network already: those epochs cost as much as the "
            "control's own.":
                lambda macs, small_macs, epochs, again: round((epochs + again) * macs / small_macs),
            "The other way round: the smaller the network, the more epochs it may have.":
                lambda macs, small_macs, epochs, again: round(epochs * small_macs / macs) + again,
            "A number of epochs is whole: round to the nearest.":
                lambda macs, small_macs, epochs, again: epochs * macs / small_macs + again,
        },
        idea="which of the epochs were paid at the large network's price",
        hints=("What does one epoch of the large network cost, in epochs of the small one?",
               "It costs macs / small_macs of them. How many such epochs were there?",
               "Only the first epochs were the large network's. Those of retraining count as they "
               "are."),
        right="Liu et al. call this control Scratch-B, B for budget; as many epochs is Scratch-E.",
        why="The large network's epochs cost macs / small_macs epochs of the small one each. "
            "Retraining is done at the small network's price, so it is added as it is.",
    ),
    Project(
        "4.7", "Half of it", 3, 10,
        reference=half, weigh=SCALES.weigh, budgets=SCALES.findings, met=SCALES.met,
        mistakes={
            "Too many weights are left, and too much accuracy is lost: take from other layers.":
                lambda found: found.size > LEFT and found.accuracy < ACCURACY,
            "It reads well, but more than half of the weights are left. Which layers have the most "
            "weights?": lambda found: found.size > LEFT,
            "It is as bad as guessing: one layer at least gave far more than it can.":
                lambda found: found.accuracy < 0.3,
            "It is small enough. Which layer's share costs most, in the scan? And does a layer "
            "that bears three quarters alone bear it with its neighbours?": lambda found: True,
        },
        idea="the scan: which layers bear it, and of these, which have many weights",
        hints=("The same share in every layer will not do. Where are most of the weights? Print "
               "part.weight.numel() for each of prunable_layers(model).",
               "The last block and fc1 bear much, and most weights are in the last block. Begin "
               "there, and with shares well below what the scan shows for one layer alone.",
               "Half of conv4_1, of conv4_2 and of fc1, and less of conv4_3: units_to_keep takes "
               "{layer: share that goes}, and remove_units what that returns."),
        right="Half of the weights, and few digits lost: the budget did that, without training.",
        why="A uniform 30 % also leaves half of the weights, but takes from narrow early layers "
            "that the scan shows to suffer. The last block has most weights and bears most. Its "
            "layers together bear less than each alone, so the shares stay at half or below.",
    ),
)
