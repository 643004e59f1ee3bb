"""The capstone's stopwatch: what it says of networks whose order is known.

The reference beside itself should take 1.0 of its time; a small file of twenty convolutions on
maps that never shrink more than that; half the reference's filters less.
"""

from torch import nn

from course_lib.masks import kept_units, unit_masks
from course_lib.models import load_trained
from course_lib.removal import remove_units

from course_tools.capstone import submission
from course_tools.capstone.levels import ratio_in_a_fresh_process


def slow_and_small() -> nn.Sequential:
    """Build a network of few weights and many multiplications."""
    hidden = [layer for _ in range(20) for layer in (nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))]
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), *hidden, nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(8, 10))


if __name__ == "__main__":
    reference = load_trained("vgg_mini")
    half = remove_units(reference, kept_units(unit_masks(reference, 0.5, "filter")))
    for name, model in {"the reference": reference, "twenty layers on large maps": slow_and_small(),
                        "half the filters": half}.items():
        content = submission(model)
        print(f"{name:28} {len(content):8,} bytes, {ratio_in_a_fresh_process(content):.2f} of the "
              "reference's time")
