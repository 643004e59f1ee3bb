import hypothesis
import pytest
import torch
from torch import nn

from course_lib.data import load_mnist

# a busy machine is no failure
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session")
def mnist():
    return load_mnist()


@pytest.fixture
def small():
    """Return a convolution and two Linear layers for 28 x 28 images, with random weights."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 26 * 26, 8),
                         nn.ReLU(), nn.Linear(8, 10))
