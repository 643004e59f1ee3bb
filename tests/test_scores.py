import pytest
import torch

from course_lib.scores import magnitude


def test_magnitude_is_the_absolute_value_in_the_weights_shape():
    weight = torch.randn(4, 3, 2, 2, requires_grad=True)
    assert torch.equal(magnitude(weight), weight.abs())
    assert not magnitude(weight).requires_grad


def test_nan_is_refused():
    with pytest.raises(ValueError, match="weight has 2 NaN values; allowed is none"):
        magnitude(torch.tensor([1.0, float("nan"), float("nan")]))
