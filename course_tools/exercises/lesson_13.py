"""Exercises of lesson 13, a language model."""

import torch
from torch import Tensor

from course_lib.masks import Masks

from course_tools.exercises.kinds import Exercise, Quiz


def without_head(weight: Tensor, head: int, width: int) -> Tensor:
    """Return the weight of out without the columns that read one head."""
    stays = torch.ones(weight.shape[1], dtype=torch.bool)
    stays[head * width:(head + 1) * width] = False
    return weight[:, stays]


def paired(before: Tensor, after: Tensor) -> list[float]:
    """Return the mean rise of the loss over chunks, and its standard error."""
    rise = after - before
    return [float(rise.mean()), float(rise.std() / len(rise) ** 0.5)]


def outlier(signal: Tensor) -> float:
    """Return the largest root mean square of a feature over the median one."""
    sizes = signal.square().mean(0).sqrt()
    return float(sizes.max() / sizes.median())


def suspects(over_all: Masks, alike: Masks, block: int) -> dict[str, Masks]:
    """Return masks that are global only in one block, and everywhere but there."""
    there = {name for name in alike if name.startswith(f"blocks.{block}.")}
    return {"only there": alike | {name: over_all[name] for name in there},
            "everywhere but there": over_all | {name: alike[name] for name in there}}


def _both(first: Masks, second: Masks) -> dict[str, Masks]:
    return {"only there": first, "everywhere but there": second}


def _masks(seed: int, blocks: int) -> tuple[Masks, Masks]:
    generator = torch.Generator().manual_seed(seed)
    names = [f"blocks.{block}.{kind}" for block in range(blocks) for kind in ("q", "up")]
    first, second = ({name: torch.rand(2, 6, generator=generator) > share for name in names}
                     for share in (0.3, 0.6))
    return first, second


WEIGHT = torch.arange(24.0).view(2, 12)
CHUNKS = torch.tensor([1.5, 1.75, 1.25, 2.0])
SIGNAL = torch.tensor([[1.0, -2.0, 0.5, 8.0, 1.0], [-1.0, 2.5, 0.5, -6.0, -1.5],
                       [1.5, -2.0, -0.75, 7.0, 0.5]])
EXERCISES = (
    Quiz(
        "13.1", "The culprit", 2, 2,
        answer="a",
        choices={"a": "the first block", "b": "the second", "c": "the third",
                 "d": "the last, whose output is read"},
        mistakes={
            "b": "It loses a little more than by layer. Which block loses most?",
            "c": "This block keeps more than by layer. It does better so.",
            "d": "This block keeps more weights than by layer, since its weights are large.",
        },
        idea="the block that global magnitude empties most",
        hints=("Look at the figure: where are the shares of zeros largest?",
               "All blocks read what the first one wrote."),
        right="Its weights are the smallest, so one threshold for all empties it first.",
        why="Global magnitude takes about 75 % of the first block and 50 % of the last. And all "
            "later blocks read what the first block wrote.",
    ),
    Exercise(
        "13.2", "One head less", 1, 3,
        reference=without_head,
        cases=lambda: [(WEIGHT, 1, 3), (WEIGHT, 0, 4), (WEIGHT, 5, 2)],
        mistakes={
            "Those columns are zero now, but still there: nothing is smaller.":
                lambda weight, head, width: torch.where(
                    torch.arange(weight.shape[1]) // width == head, 0.0, weight),
            "That is one column. A head has `width` of them.":
                lambda weight, head, width: torch.cat([weight[:, :head], weight[:, head + 1:]], 1),
            "That keeps the head and removes all others.":
                lambda weight, head, width: weight[:, head * width:(head + 1) * width],
            "That takes every so many columns. A head's columns stand side by side.":
                lambda weight, head, width: weight[:, [
                    column for column in range(weight.shape[1])
                    if column % (weight.shape[1] // width) != head]],
        },
        idea="which columns of out read this head",
        hints=("Head number 0 has columns 0 to width − 1. Where does head number 1 begin?",
               "The columns from head · width to (head + 1) · width − 1 go.",
               "torch.cat([…, …], 1) joins what stands before and behind."),
        right="So does remove_heads; q, k and v lose the same places among their rows.",
        why="The heads' answers are laid side by side, each `width` wide, and out reads them with "
            "a column for each number.",
    ),
    Exercise(
        "13.3", "A paired interval", 2, 4,
        reference=paired,
        cases=lambda: [(CHUNKS, CHUNKS + torch.tensor([0.125, 0.25, 0.0, 0.5])),
                       (CHUNKS[:3], CHUNKS[:3] + torch.tensor([0.5, 0.25, 0.375]))],
        mistakes={
            "That is the spread over chunks; the error of their mean is smaller by the root of "
            "their number.": lambda before, after: [
                float((after - before).mean()), float((after - before).std())],
            "The chunks are the same ones: take the differences first, then their spread.":
                lambda before, after: [float((after - before).mean()), float(
                    ((after.var() + before.var()) / len(before)) ** 0.5)],
            "The sign: a rise is after minus before.":
                lambda before, after: [-paired(before, after)[0], paired(before, after)[1]],
            "Divided by the number of chunks, not by its root.":
                lambda before, after: [paired(before, after)[0],
                                       paired(before, after)[1] / len(before) ** 0.5],
        },
        idea="differences chunk by chunk: their mean, and their spread over the root of the count",
        hints=("Some chunks are hard for both models. What is left if you subtract?",
               "The standard error of a mean: standard deviation over the root of the number.",
               "rise = after - before; then rise.mean() and rise.std() / len(rise) ** 0.5."),
        right="Twice that to either side is about a 95 % interval, over chunks of these plays.",
        why="A chunk that is hard is hard for both models, and drops out of the difference. What "
            "is left tells how far the mean rise would move with other chunks.",
    ),
    Exercise(
        "13.4", "Outliers", 2, 3,
        reference=outlier,
        cases=lambda: [(SIGNAL,), (SIGNAL[:2, :3],), (SIGNAL.flip(1) * 2 - 1,)],
        mistakes={
            "That is the largest single number. Asked for is a feature that is large throughout.":
                lambda signal: float(signal.abs().max() / signal.square().mean(0).sqrt().median()),
            "Signs cancel in a mean: square first.":
                lambda signal: float(signal.mean(0).abs().max() / signal.mean(0).abs().median()),
            "That compares the characters. Features are the columns.":
                lambda signal: outlier(signal.T),
            "The root is missing: that is a ratio of mean squares.":
                lambda signal: outlier(signal) ** 2,
            "One outlier among few would move the mean as well; compare with the median.":
                lambda signal: float(signal.square().mean(0).sqrt().max()
                                     / signal.square().mean(0).sqrt().mean()),
        },
        idea="each feature's root mean square over all characters; the largest over the median",
        hints=("A row is a character, a column a feature: square, mean over dimension 0, root.",
               "sizes.max() / sizes.median() is all that is left to do."),
        right="In models beyond some billions of parameters it comes to about twenty.",
        why="An outlier feature is large for all characters, so its root mean square stands out "
            "from the others'. The median is hardly moved by one of them.",
    ),
    Exercise(
        "13.5", "Find the culprit", 3, 5,
        reference=suspects,
        cases=lambda: [(*_masks(1, 2), 1), (*_masks(2, 3), 0)],
        mistakes={
            "The first has the masks by layer in that block, and global ones elsewhere: the two "
            "stand under each other's names.": lambda over_all, alike, block: _both(
                *reversed(suspects(over_all, alike, block).values())),
            "The second is global everywhere. Its block is to have the masks by layer: only then "
            "can you see whether the damage goes.": lambda over_all, alike, block: _both(
                suspects(over_all, alike, block)["only there"], over_all),
            "In the first all other blocks are whole, so the sparsity differs as well. They are to "
            "have the masks by layer.": lambda over_all, alike, block: _both(
                {name: over_all[name] if name.startswith(f"blocks.{block}.")
                 else torch.ones_like(mask) for name, mask in alike.items()},
                suspects(over_all, alike, block)["everywhere but there"]),
            "Only one layer of the block was changed. A block is all its layers.":
                lambda over_all, alike, block: _both(
                    alike | {f"blocks.{block}.q": over_all[f"blocks.{block}.q"]},
                    over_all | {f"blocks.{block}.q": alike[f"blocks.{block}.q"]}),
        },
        idea="one block differs from the other ones, once each way",
        hints=("If the block is the culprit, the damage comes when it alone is cut the global way, "
               "and goes when it alone is not.",
               "Its layers' names begin with blocks, a dot, its number, and a dot.",
               "alike | {…} replaces some masks of alike; over_all | {…} the other way round."),
        right="Damage that comes with a suspect, and goes without it: that is evidence both ways.",
        why="One test alone can mislead: the block might do harm only together with others, or "
            "others might do the same harm. Two tests, one each way, tell.",
    ),
)
