"""A model outside of torch: written as ONNX, and run by ONNX Runtime."""

import logging
import warnings
from collections.abc import Callable

import onnxruntime
import torch
from torch import Tensor, nn

from course_lib._allowed import require
from course_lib._state import evaluating


def to_onnx(model: nn.Module) -> bytes:
    """Write a model as ONNX, in eval mode; it reads images (n, 1, 28, 28) for any n."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns of a package that is not needed here
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning), evaluating(model):
            program = torch.onnx.export(
                model, (torch.zeros(2, 1, 28, 28),), dynamo=True, verbose=False,
                input_names=["images"], dynamic_shapes=({0: torch.export.Dim("images")},))
    finally:
        logger.setLevel(level)
    return program.model_proto.SerializeToString()


def onnx_runner(content: bytes, threads: int = 1) -> Callable[[Tensor], Tensor]:
    """Return a function from images to outputs that ONNX Runtime computes on so many threads."""
    require(threads >= 1, "threads", threads, "1 or more")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])
