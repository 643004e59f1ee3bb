"""A network beside its control: the same layers, trained from first weights."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.chains import chain_config
from course_lib.intervals import Drop, drop_between
from course_lib.models import prunable_layers

from course_tools.capstone.readings import looks, right_on
from course_tools.capstone.submission import submission

YOURS, CONTROL, OPEN = "yours reads more", "the control reads more", "not told apart"


@dataclass(frozen=True, repr=False)
class Beside:
    """Hold two networks, side by side on the test digits.

    `drop` is what is lost where the control takes the place of yours: above zero yours reads more.
    `alike` is the cosine between the weights of both, near 0 where they have nothing in common,
    None where the layers differ; `accuracy` is the control's.
    """

    drop: Drop
    accuracy: float
    alike: float | None
    epochs: int
    control_epochs: int

    @property
    def conclusion(self) -> str:
        """Return which of the three conclusions the interval allows."""
        if self.drop.low > 0:
            return YOURS
        return CONTROL if self.drop.high < 0 else OPEN

    def __repr__(self) -> str:
        """Return one line, the difference in points with its 95 % interval, and the looks."""
        return (f"yours ({self.epochs} epochs) minus control ({self.control_epochs} epochs), on "
                f"test: {self.drop.points:.2f} points. Looks at the test digits so far: {looks()}")


def beside(yours: nn.Sequential, control: nn.Sequential, *, epochs: int,
           control_epochs: int) -> Beside:
    """Compare a network with its control on the test digits, image by image; this is a look.

    `epochs` says how long yours was retrained, `control_epochs` how long the control was trained.
    What cannot be a submission raises ValueError.
    """
    rights = [right_on(submission(model), "test") for model in (yours, control)]
    same = chain_config(yours) == chain_config(control)
    return Beside(drop_between(*rights), float(rights[1].double().mean()),
                  _cosine(yours, control) if same else None, epochs, control_epochs)


def _cosine(one: nn.Module, other: nn.Module) -> float:
    return float(torch.cosine_similarity(_weights(one), _weights(other), dim=0))


def _weights(model: nn.Module) -> Tensor:
    return torch.cat([layer.weight.detach().flatten() for layer in prunable_layers(model).values()])
