import pytest
import torch

from course_lib.models import load_trained

from course_tools.sliders.latency import latency


def test_latency_says_of_how_many_images_and_threads():
    found = latency(torch.nn.Flatten(), 4, threads=1, seconds=0.01)
    assert 0 < found.q25 <= found.median <= found.q75
    assert (found.batch, found.threads) == (4, 1)


def test_latency_leaves_torchs_threads_as_they_were():
    before = torch.get_num_threads()
    assert latency(torch.nn.Flatten(), threads=before + 1, seconds=0.01).threads == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("options", "message"), [
    ({"batch": 0}, "batch is 0; allowed is 1 or more"),
    ({"threads": 0}, "threads is 0; allowed is 1 or more"),
])
def test_a_latency_of_nothing_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        latency(torch.nn.Flatten(), **options)


def test_timing_changes_nothing():
    model = load_trained("vgg_mini").train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    latency(model, 2, seconds=0.01)
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
