"""The MNIST digits, read from the four files that ship with the course."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from course_lib._files import DATA

DATA_DIR = DATA / "mnist"

SHA256 = {
    "train-images-idx3-ubyte.gz": "7ff28fd295f802eefc6d40e461175dfe4b969b1842b2abc8c6dc8c20711cf79f",
    "train-labels-idx1-ubyte.gz": "81a978ae83d39ffdba0db3ce2fcaf80a8921e9629e874428996a2b03242d4b2a",
    "t10k-images-idx3-ubyte.gz": "197e111ae341b0770be9011ac5e622d0e6cd1c640b32eb0de5dc1dd26cc6e182",
    "t10k-labels-idx1-ubyte.gz": "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
}


@dataclass(frozen=True)
class Split:
    """Hold images, float32 (n, 1, 28, 28) in [0, 1], and their labels, int64 (n,) from 0 to 9."""

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if self.images.dtype != torch.float32 or self.images.shape[1:] != (1, 28, 28):
            raise ValueError(
                f"images are {self.images.dtype} of shape {tuple(self.images.shape)}; "
                "allowed is torch.float32 of shape (n, 1, 28, 28)"
            )
        if len(self.images) and not (self.images.min() >= 0 and self.images.max() <= 1):
            raise ValueError(f"images run from {self.images.min()} to {self.images.max()}; "
                             "allowed is 0 to 1 (grey values / 255)")
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                f"labels are {self.labels.dtype} of shape {tuple(self.labels.shape)}; "
                f"allowed is torch.int64 of shape ({len(self.images)},)"
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() <= 9:
            raise ValueError(
                f"labels run from {self.labels.min()} to {self.labels.max()}; allowed is 0 to 9"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: slice | Tensor) -> "Split":
        """Return the images and labels that a slice or a tensor of indices picks."""
        if not isinstance(which, slice | Tensor):
            raise ValueError(f"which is {which!r}; allowed is a slice, such as split[:100], "
                             "or a tensor of indices")
        return Split(self.images[which], self.labels[which])


@dataclass(frozen=True)
class MNIST:
    """Hold the three splits: learn from `train`, choose by `validation`, report on `test` once."""

    train: Split
    validation: Split
    test: Split


def load_mnist(root: Path | str = DATA_DIR, *, validation: int = 5_000) -> MNIST:
    """Read MNIST into memory, all four files verified first.

    `root` is the folder with the four files. The last `validation` of the 60,000 training images
    become the validation split. A missing file raises FileNotFoundError, a damaged one ValueError.
    """
    if not 1 <= validation < 60_000:
        raise ValueError(f"validation is {validation}; allowed is 1 to 59,999 images")
    verified = {name: _verified_bytes(Path(root) / name, sha) for name, sha in SHA256.items()}
    train, test = (
        Split(_images(verified[f"{part}-images-idx3-ubyte.gz"]),
              _labels(verified[f"{part}-labels-idx1-ubyte.gz"]))
        for part in ("train", "t10k")
    )
    return MNIST(train[:-validation], train[-validation:], test)


def _verified_bytes(path: Path, expected: str) -> bytes:
    mend = f"restore it with: git checkout -- {DATA_DIR.parent.name}/{DATA_DIR.name}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {mend}")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ValueError(
            f"{path} is damaged ({len(content):,} bytes): its sha256 is {found}, "
            f"expected {expected}; {mend}"
        )
    return content


def _images(content: bytes) -> Tensor:
    """Decode an idx3 file: a header of 16 bytes, then one byte a pixel, 0 black to 255 white."""
    pixels = torch.frombuffer(bytearray(gzip.decompress(content)), dtype=torch.uint8, offset=16)
    return pixels.reshape(-1, 1, 28, 28).float().div_(255)


def _labels(content: bytes) -> Tensor:
    """Decode an idx1 file: a header of 8 bytes, then one byte a label."""
    return torch.frombuffer(
        bytearray(gzip.decompress(content)), dtype=torch.uint8, offset=8
    ).long()
