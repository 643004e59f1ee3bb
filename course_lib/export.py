"""A model outside of torch: written as ONNX, and run by ONNX Runtime."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import onnxruntime
import torch
from torch import Tensor, nn

from course_lib._allowed import require
from course_lib._state import evaluating


def to_onnx(model: nn.Module) -> bytes:
    """Write a model as ONNX, in eval mode; it reads images (n, 1, 28, 28) for any n."""
    with _quiet(), evaluating(model):
        program = torch.onnx.export(
            model, (torch.zeros(2, 1, 28, 28),), dynamo=True, verbose=False,
            input_names=["images"], dynamic_shapes=({0: torch.export.Dim("images")},))
    return program.model_proto.SerializeToString()


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the exporter says of itself, and of a package that is not needed here."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def onnx_runner(content: bytes, threads: int = 1) -> Callable[[Tensor], Tensor]:
    """Return a function from images to outputs that ONNX Runtime computes on so many threads."""
    require(threads >= 1, "threads", threads, "1 or more")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])
