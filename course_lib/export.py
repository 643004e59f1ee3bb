"""A model outside of torch: written as ONNX, and run by ONNX Runtime."""

import logging
import warnings
from collections.abc import Callable

import onnxruntime
import torch
from torch import Tensor, nn

from course_lib._state import evaluating


def to_onnx(model: nn.Module) -> bytes:
    """Write a model of images (n, 1, 28, 28), n as one likes, as ONNX, in eval mode."""
    # The exporter tells of a package that we do not need, and of its own innards.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    with warnings.catch_warnings(), evaluating(model):
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            model, (torch.zeros(2, 1, 28, 28),), dynamo=True, verbose=False,
            input_names=["images"], dynamic_shapes=({0: torch.export.Dim("images")},))
    return program.model_proto.SerializeToString()


def onnx_runner(content: bytes, threads: int = 1) -> Callable[[Tensor], Tensor]:
    """Return a function from images to outputs that ONNX Runtime computes on so many threads."""
    if threads < 1:
        raise ValueError(f"threads is {threads}; allowed is 1 or more")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])
