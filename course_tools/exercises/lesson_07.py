"""Exercises of lesson 07, what is really saved."""

from math import ceil

import torch
from torch import Tensor, nn

from course_lib.masks import keep_top
from course_lib.sizes import SHARED, share_values
from course_lib.training import evaluate

from course_tools.exercises.kinds import Exercise, Project, Quiz
from course_tools.exercises.weighing import Scales, Weighed, mnist


def csr_bytes(nonzeros: int, rows: int) -> int:
    """Return the bytes of a CSR matrix: 4 for a value, 2 for a column, 4 for the start of a row."""
    return 6 * nonzeros + 4 * (rows + 1)


def entries(gaps: list[int], bits: int) -> int:
    """Return how many entries a relative index stores for these gaps, fillers included."""
    return sum(1 + gap // 2 ** bits for gap in gaps)


def two_of_four(weight: Tensor) -> Tensor:
    """Return a mask that keeps the two largest magnitudes of each four neighbouring inputs."""
    groups = weight.abs().reshape(-1, 4)
    mask = torch.zeros_like(groups, dtype=torch.bool)
    mask.scatter_(1, groups.topk(2, dim=1).indices, True)
    return mask.view_as(weight)


def _of_four(scores: Tensor, kept: int = 2) -> Tensor:
    ranks = scores.reshape(-1, 4).argsort(1).argsort(1)
    return (ranks >= 4 - kept).reshape(scores.shape)


def crossing(dense: dict[float, float], sparse: dict[float, float]) -> float | None:
    """Return the lowest sparsity from which on the sparse product is faster, None if there is none.

    Both give milliseconds by sparsity, in rising order.
    """
    found = None
    for sparsity in reversed(dense):
        if sparse[sparsity] >= dense[sparsity]:
            break
        found = sparsity
    return found


def _first_win(dense, sparse):
    return next((sparsity for sparsity in dense if sparse[sparsity] < dense[sparsity]), None)


def _last_loss(dense, sparse):
    return max((sparsity for sparsity in dense if sparse[sparsity] >= dense[sparsity]),
               default=None)


def _best_ratio(dense, sparse):
    best = min(dense, key=lambda sparsity: sparse[sparsity] / dense[sparsity])
    return best if sparse[best] < dense[best] else None


def _never_none(dense, sparse):
    return crossing(dense, sparse) or max(dense)


# A network in 21 kB

def lean(twelve: nn.Sequential) -> nn.Sequential:
    """Give the layer with most weights the fewest bits."""
    return share_values(twelve, {"fc1": 2, "fc2": 4, "fc3": 5})


BYTES, ACCURACY = 21_000, 0.98  # of the file with shared values
SCALES = Scales(
    "my_lean", ", such as share_values returns",
    lambda answer: Weighed(len(SHARED.write(answer)), evaluate(answer, mnist().validation)),
    {"file": f"at most {BYTES:,} bytes with shared values",
     "accuracy": f"at least {100 * ACCURACY:g} % on validation"},
    lambda found: (found.size <= BYTES, found.accuracy >= ACCURACY))


EXERCISES = (
    Quiz(
        "7.1", "gzip without zeros", 1, 1,
        answer="c",
        choices={"a": "bring it to about a sixth, as it does with the zeros",
                 "b": "bring it to about a half",
                 "c": "take about a tenth off",
                 "d": "nothing at all: its file becomes longer"},
        mistakes={"a": "With the zeros there is much that repeats. What repeats here?",
                  "b": "For that every other bit would have to be predictable. The weights are "
                       "numbers with many digits.",
                  "d": "Not quite: weights are all of similar size, and that can be seen in their "
                       "first bits."},
        idea="what repeats in the file of a network without zeros",
        hints=("A compressor finds what repeats. Which networks have long runs of the same byte?",
               "The narrow network has no zeros. What is left to find is that all its weights are "
               "of similar size."),
        right="Without zeros there is little to find: a tenth.",
        why="What repeats in a file of trained weights is the byte with sign and size, and even "
            "that only in part. You will see it byte by byte below.",
    ),
    Quiz(
        "7.2", "The price of a place", 1, 2,
        answer=6.0, tolerance=0.1,
        mistakes={
            4.0: "That is the value alone. A reader of the file also has to learn where it "
                 "belongs.",
            5.0: "One byte counts to 255, and there are 784 columns.",
            8.0: "That would be a column of 32 bits. For numbers below 784, 16 are enough.",
            48.0: "That is in bits. The question asks for bytes.",
        },
        idea="the two numbers that are stored for each weight, and how wide each has to be",
        hints=("For each weight that is not zero its value is stored, and its column.",
               "A value takes four bytes. How many does a number below 784 take?"),
        right="Four for the value, two for the column, and next to nothing for the rows.",
        why="A value is four bytes, a column below 784 fits into two, and 301 row starts are "
            "shared by thousands of weights.",
    ),
    Quiz(
        "7.3", "What costs energy", 1, 1,
        answer="c",
        choices={"a": "about a half", "b": "about a tenth", "c": "less than a hundredth"},
        mistakes={"a": "Then Han would have had no reason to begin with the memory.",
                  "b": "Still too much: a memory chip is far away, for a signal."},
        idea="how far a number has to travel from a memory chip, and how far inside a multiplier",
        hints=("The memory chip is centimetres away, the multiplier's parts are micrometres "
               "apart.",
               "The paper calls memory accesses orders of magnitude more expensive."),
        right="3.7 of 643.7 picojoules. Hence the wish for fewer and shorter weights.",
        why="By the paper's figures an access to DRAM takes 640 pJ and a multiplication 3.7, so "
            "173 multiplications cost as much as one access.",
    ),
    Quiz(
        "7.4", "What is left to multiply", 2, 2,
        answer="c",
        choices={"a": "10 %: each weight is used as often as any other",
                 "b": "less than 10 %", "c": "more than 10 %"},
        mistakes={"a": "A filter's weight is used at every place of the map, a weight of a fully "
                       "connected layer once an image.",
                  "b": "For that the weights that are used most would have to go first. Which "
                       "layers lose most under one threshold for all?"},
        idea="how often a weight is used in each layer, and which layers lose most of theirs",
        hints=("How often is a weight of the first convolution used for one image? And one of the "
               "last layers?",
               "Early convolutions have few weights, and large ones. One threshold for all takes "
               "most from the wide layers behind."),
        right="The early filters lose fewer of their weights, and use each of them more often.",
        why="One threshold for all layers spares the early convolutions, and just their weights "
            "are used at hundreds of places of the image.",
    ),
    Exercise(
        "7.5", "Bytes of a sparse matrix", 1, 3,
        reference=csr_bytes,
        cases=lambda: [(10, 4), (0, 1), (20_000, 300), (7, 7)],
        mistakes={
            "One row start is missing: with 4 rows there are 5, the last says where the last row "
            "ends.": lambda nonzeros, rows: 6 * nonzeros + 4 * rows,
            "The row starts are left out.": lambda nonzeros, rows: 6 * nonzeros,
            "A place is stored for each weight there, row and column; CSR stores only columns "
            "that way.": lambda nonzeros, rows: 8 * nonzeros + 4 * (rows + 1),
            "The columns are left out: each weight that is not zero has one of its own.":
                lambda nonzeros, rows: 4 * nonzeros + 4 * (rows + 1),
            "There is one start for each row, not for each weight.":
                lambda nonzeros, rows: 10 * nonzeros + 4,
        },
        idea="the three arrays of CSR, how long each is, and how wide its numbers are",
        hints=("Values and columns have an entry for each weight that is not zero.",
               "Starts have one entry more than there are rows.",
               "(4 + 2) bytes for each weight, and 4 bytes for each of rows + 1 starts."),
        right="For long rows the starts vanish beside the six bytes a weight.",
        why="Two arrays are as long as there are weights, 4 and 2 bytes wide; the third has "
            "rows + 1 entries of 4 bytes.",
    ),
    Exercise(
        "7.6", "Fillers", 2, 6,
        reference=entries,
        cases=lambda: [([0, 1, 3], 2), ([4], 2), ([1, 8, 0], 2), ([31, 32, 64, 100], 5), ([], 8)],
        mistakes={
            "The fillers are missing: a gap too long for the bits takes more than one entry.":
                lambda gaps, bits: len(gaps),
            "Those are the fillers alone. The weights are entries as well.":
                lambda gaps, bits: sum(gap // 2 ** bits for gap in gaps),
            "A filler passes 2**bits − 1 zeros and is itself one more, so it takes 2**bits off "
            "the gap.": lambda gaps, bits: sum(1 + gap // (2 ** bits - 1) for gap in gaps),
            "That rounds up: a gap of exactly 2**bits − 1 still fits without a filler.":
                lambda gaps, bits: sum(1 + ceil(gap / 2 ** bits) for gap in gaps),
            "There is one filler at most there. A long gap may need several.":
                lambda gaps, bits: sum(1 + (gap >= 2 ** bits) for gap in gaps),
        },
        idea="what one filler takes off a gap, and how many it takes until the rest fits",
        hints=("With 2 bits, gaps of 0 to 3 fit. What does a gap of 4 need? And of 8?",
               "Each filler takes 2**bits places: as many are needed as 2**bits goes into the "
               "gap.",
               "One entry for each gap, and gap // 2**bits fillers."),
        right="With more bits there are fewer fillers, and each entry is longer: hence 5 and 8.",
        why="A filler takes 2**bits places with it, so gap // 2**bits of them come first, and "
            "then the weight with the rest.",
    ),
    Exercise(
        "7.7", "Two of four", 2, 6,
        reference=two_of_four,
        cases=lambda: [(torch.tensor([[0.1, -0.9, 0.5, 0.2, 0.3, 0.7, -0.8, 0.6],
                                      [-0.4, 0.05, 0.15, -0.25, 1.1, 1.2, 0.9, -1.3],
                                      [0.11, 0.21, -0.31, 0.41, 0.51, -0.61, 0.71, 0.81],
                                      [2.1, -2.2, 2.3, 2.4, 0.01, 0.02, -0.03, 0.04]]),),
                       (torch.randn(8, 4, generator=torch.Generator().manual_seed(3)),)],
        mistakes={
            "Those are fours of neighbouring outputs, down the columns. The inputs of one output "
            "stand in a row.": lambda weight: _of_four(weight.abs().T.contiguous()).T,
            "Without magnitudes the large negative weights go first.":
                lambda weight: _of_four(weight),
            "Those are the smaller two of each four.": lambda weight: _of_four(-weight.abs()),
            "That keeps one of each four.": lambda weight: _of_four(weight.abs(), 1),
            "That keeps the largest half of the whole layer. Each four is to keep two.":
                lambda weight: keep_top(weight.abs(), 0.5),
            "That keeps the largest half of each row. Each four is to keep two.":
                lambda weight: torch.stack([keep_top(row, 0.5) for row in weight.abs()]),
        },
        idea="which four weights stand in a group, and which two of them stay",
        hints=("weight.abs().reshape(-1, 4) has a row for each four neighbouring inputs.",
               "topk(2, dim=1).indices says which two are the largest in each row.",
               "Begin with a mask of False and set those: mask.scatter_(1, indices, True). In the "
               "end it needs the weight's shape."),
        right="Each four keeps two, wherever the large weights are.",
        why="In a row of PyTorch's weight the inputs of one output stand side by side, so reshape "
            "cuts each row into fours; topk finds two in each.",
    ),
    Exercise(
        "7.8", "From where on", 2, 5,
        reference=crossing,
        cases=lambda: [
            ({0.5: 1.0, 0.8: 1.0, 0.9: 1.1, 0.95: 1.0}, {0.5: 2.0, 0.8: 0.9, 0.9: 0.6, 0.95: 0.4}),
            ({0.5: 1.0, 0.8: 1.0, 0.9: 0.9, 0.95: 1.0}, {0.5: 0.9, 0.8: 1.2, 0.9: 0.8, 0.95: 0.5}),
            ({0.5: 1.0, 0.8: 1.0}, {0.5: 3.0, 0.8: 1.0}),
            ({0.5: 1.0, 0.8: 1.0}, {0.5: 3.0, 0.8: 2.0}),
            ({0.5: 1.0, 0.8: 1.0, 0.9: 1.0}, {0.5: 0.7, 0.8: 0.8, 0.9: 0.5})],
        mistakes={
            "That is the first at which it is faster. Is it still faster further on?": _first_win,
            "That is the last at which it is not faster. The next one was asked for.": _last_loss,
            "That is where it wins by most. It may begin to win much earlier.": _best_ratio,
            "Where it is never faster, there is none to return: None.": _never_none,
            "Equally fast is not faster.": lambda dense, sparse: crossing(
                {key: value + 1e-9 for key, value in dense.items()}, sparse),
        },
        idea="whether the sparse product is faster at this sparsity and at all higher ones",
        hints=("Go through the sparsities from the highest down. When do you stop?",
               "Keep the last one at which it was still faster, and begin with None."),
        right="Now ask your own machine, for one image and for 256.",
        why="From the highest sparsity down, as long as the sparse product is faster. What stands "
            "below the first defeat does not count, since a single lucky timing may be among it.",
    ),
    Project(
        "7.9", "A network in 21 kB", 3, 6,
        reference=lean, weigh=SCALES.weigh, budgets=SCALES.findings, met=SCALES.met,
        mistakes={
            "It is short enough, and reads too few digits. The small layers make no file long: "
            "give them more bits.": lambda found: (
                found.size <= BYTES and found.accuracy < ACCURACY),
            "It reads well, and its file is too long. Where are most of the bytes?":
                lambda found: found.accuracy >= ACCURACY and found.size > BYTES,
            "It is too long, and it reads too few digits as well.": lambda found: True,
        },
        idea="how many bits each layer's values need",
        hints=("share_values takes a number of bits for each layer: {\"fc1\": 5, …}.",
               "Most weights are in fc1, so its bits make the file. Try fewer there, and keep four "
               "or five in the small layers."),
        right="Fewer bytes than Deep Compression's 27 KB, for a network that is not theirs.",
        why="Most of the stored weights belong to fc1, so one bit less there saves more than "
            "anything one could do elsewhere. Two bits in all layers save little more, and cost "
            "more digits.",
    ),
)
