import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from course_lib.export import onnx_runner, to_onnx
from course_lib.masks import kept_units, unit_masks
from course_lib.models import load_trained
from course_lib.removal import remove_units


@pytest.fixture(scope="module")
def halved():
    model = load_trained("lenet_5")
    keep = kept_units(unit_masks(model, {"conv1": 0.5, "conv2": 0.5}, "filter"))
    return remove_units(model, keep)


@pytest.fixture(scope="module")
def content(halved):
    return to_onnx(halved.train())


@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("threads", [1, 2])
def test_it_computes_what_the_model_computes(halved, content, batch, threads):
    images = torch.rand(batch, 1, 28, 28)
    with torch.no_grad():
        expected = halved.eval()(images)
    assert torch.allclose(onnx_runner(content, threads)(images), expected, atol=1e-5)


def test_onnxs_own_slow_evaluator_agrees(halved, content):
    images = torch.rand(2, 1, 28, 28)
    slow = ReferenceEvaluator(onnx.load_from_string(content))
    found, = slow.run(None, {"images": images.numpy()})
    with torch.no_grad():
        assert np.allclose(found, halved.eval()(images).numpy(), atol=1e-4)


def test_export_leaves_the_model_as_it_was_and_writes_eval_mode():
    model = load_trained("alexnet_mini").train()
    content = to_onnx(model)
    assert model.training
    assert not {"Dropout", "BatchNormalization"} & {
        node.op_type for node in onnx.load_from_string(content).graph.node}


def test_export_is_quiet(halved, capfd, recwarn):
    to_onnx(halved)
    captured = capfd.readouterr()
    assert (captured.out, captured.err, len(recwarn)) == ("", "", 0)


def test_no_threads_are_refused(content):
    with pytest.raises(ValueError, match="threads is 0; allowed is 1 or more"):
        onnx_runner(content, 0)
