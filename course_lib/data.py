"""The MNIST digits, read from the four files that ship with the course."""

import copy
import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from course_lib._allowed import require
from course_lib._files import DATA, read_shipped, write_whole

DATA_DIR = DATA / "mnist"

SHA256 = {
    "train-images-idx3-ubyte.gz": "7ff28fd295f802eefc6d40e461175dfe4b969b1842b2abc8c6dc8c20711cf79f",
    "train-labels-idx1-ubyte.gz": "81a978ae83d39ffdba0db3ce2fcaf80a8921e9629e874428996a2b03242d4b2a",
    "t10k-images-idx3-ubyte.gz": "197e111ae341b0770be9011ac5e622d0e6cd1c640b32eb0de5dc1dd26cc6e182",
    "t10k-labels-idx1-ubyte.gz": "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
}
FLOAT32 = {  # of the images as grey values / 255
    "train": "257f039238a0be158bad088c051a53908383fd47df03a7b1c229bb7bc968f160",
    "t10k": "bc9f8f501f39b3ca61f899a2f402edf2024bde012b73223431b6bd735e47a165",
}


@dataclass(frozen=True)
class Split:
    """Hold images, float32 (n, 1, 28, 28) in [0, 1], and their labels, int64 (n,) from 0 to 9.

    >>> len(Split(torch.zeros(60, 1, 28, 28), torch.zeros(60, dtype=torch.int64))[:10])
    10
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        n = len(self.images)
        _check(self.images, "images", torch.float32, (n, 1, 28, 28), 0, 1, "grey values / 255")
        _check(self.labels, "labels", torch.int64, (n,), 0, 9, "one digit an image")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: slice | Tensor) -> "Split":
        """Return the images and labels that a slice, or a tensor of one dimension, picks."""
        fine = isinstance(which, slice) or (isinstance(which, Tensor) and which.dim() == 1)
        require(fine, "which", which, "a slice, such as split[:100], or a tensor of indices")
        part = copy.copy(self)  # not checked again: it is part of what was
        vars(part).update(images=self.images[which], labels=self.labels[which])
        return part


def _check(values: Tensor, argument: str, dtype: torch.dtype, shape: tuple[int, ...],
           lowest: int, highest: int, meaning: str) -> None:
    require(values.dtype == dtype, f"{argument}.dtype", values.dtype, str(dtype))
    require(values.shape == shape, f"{argument}.shape", tuple(values.shape), f"{shape}, {meaning}")
    if len(values):
        least, most = (value.item() for value in values.aminmax())
        require(lowest <= least <= most <= highest, f"range of {argument}", (least, most),
                f"{lowest} to {highest} ({meaning})")


@dataclass(frozen=True)
class MNIST:
    """Hold the three splits: learn from `train`, choose by `validation`, report on `test` once."""

    train: Split
    validation: Split
    test: Split


def load_mnist(root: Path | str = DATA_DIR, *, validation: int = 5_000) -> MNIST:
    """Read MNIST, all four files verified first.

    The last `validation` of the 60,000 training images become the validation split. A missing file
    raises FileNotFoundError, a damaged one ValueError. Images are mapped from files that the first
    call writes beside them, so that all processes share their memory.
    """
    require(1 <= validation < 60_000, "validation", validation, "1 to 59,999 images")
    files = {name: read_shipped(Path(root) / name, "data/mnist", sha256)
             for name, sha256 in SHA256.items()}
    train, test = (
        Split(_images(Path(root) / f"{part}.float32", files[f"{part}-images-idx3-ubyte.gz"]),
              _numbers(files[f"{part}-labels-idx1-ubyte.gz"], header=8).long())
        for part in FLOAT32)
    return MNIST(train[:-validation], train[-validation:], test)


def _images(path: Path, content: bytes) -> Tensor:
    """Map a file of grey values / 255, made from an idx file if it is not there, or damaged."""
    try:
        if not path.is_file() or _sha256(path) != FLOAT32[path.stem]:
            write_whole(path, (_numbers(content, header=16) / 255).numpy().data)
        # mapped; what a process changes is its own, and never the file
        pixels = torch.from_file(str(path), size=path.stat().st_size // 4, dtype=torch.float32)
    except OSError:  # the folder cannot be written, or the disk is full
        pixels = _numbers(content, header=16) / 255
    return pixels.reshape(-1, 1, 28, 28)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _numbers(content: bytes, header: int) -> Tensor:
    """Decode an idx file: a header, then a byte for each pixel, 0 black to 255 white, or label."""
    content = bytearray(gzip.decompress(content))
    return torch.frombuffer(content, dtype=torch.uint8, offset=header)
