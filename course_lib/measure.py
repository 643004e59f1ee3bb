"""What a network costs and how sure a figure is: counts, real bytes, intervals over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from safetensors.torch import save
from scipy.stats import t
from torch import nn

from course_lib.data import Split
from course_lib.models import prunable_layers
from course_lib.training import evaluate


@dataclass(frozen=True)
class Report:
    """Hold what `measure` found.

    `parameters`: all of them, biases and batch norm included. `weights`: those of the prunable
    layers; `nonzero`: of these the ones that are not zero. `dense_bytes`: the length of the
    safetensors file. `accuracy`: from 0 to 1, None without a split.
    """

    parameters: int
    weights: int
    nonzero: int
    dense_bytes: int
    accuracy: float | None

    @property
    def sparsity(self) -> float:
        """Return zeros / all weights."""
        return 1 - self.nonzero / self.weights


def measure(model: nn.Module, split: Split | None = None) -> Report:
    """Count a model's parameters and the bytes of its file, and its accuracy on `split` if given.

    The file is really written (to memory), so its length includes names, shapes and types.
    """
    weights = [layer.weight for layer in prunable_layers(model).values()]
    return Report(
        parameters=sum(p.numel() for p in model.parameters()),
        weights=sum(w.numel() for w in weights),
        nonzero=sum(int(torch.count_nonzero(w)) for w in weights),
        dense_bytes=len(save(model.state_dict())),
        accuracy=None if split is None else evaluate(model, split),
    )


@dataclass(frozen=True)
class Interval:
    """Hold a mean over seeds and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def seed_interval(values: Sequence[float]) -> Interval:
    """Return the mean of one value a seed with its 95 % interval (Student's t).

    The interval says how far the mean would move with other seeds, not with other images.

    >>> seed_interval([1.0, 2.0, 3.0])
    Interval(mean=2.0, low=-0.484..., high=4.484...)
    """
    if len(values) < 2:
        raise ValueError(f"values has {len(values)} entries; allowed is 2 or more")
    at = torch.tensor(values, dtype=torch.float64)
    mean, error = float(at.mean()), float(at.std()) / len(values) ** 0.5
    reach = error * float(t.ppf(0.975, len(values) - 1))
    return Interval(mean, mean - reach, mean + reach)


def twins(outputs: torch.Tensor, correlation: float = 0.9) -> int:
    """Count the units that have a twin, from their outputs, (images, units).

    A twin is another unit whose outputs correlate with the unit's own at `correlation` or more.
    Units that never vary have none.
    """
    pairs = torch.corrcoef(outputs.T).nan_to_num(0.0).fill_diagonal_(0.0)
    return int((pairs >= correlation).any(dim=1).sum())


def directions(outputs: torch.Tensor, share: float = 0.95) -> int:
    """Count the principal components that hold `share` of the variance of outputs, (images, units).

    Many units and few directions: the units say the same few things in many ways.
    """
    variances = torch.linalg.svdvals(outputs - outputs.mean(0)).square().cumsum(0)
    return int((variances < share * variances[-1]).sum()) + 1


def claim(sentence: str, holds: bool) -> None:
    """Print whether a sentence holds here. Lessons state results so, and a check compares them."""
    print(f"{'holds' if holds else 'DOES NOT HOLD HERE'}: {sentence}")
