"""An epoch of training: the course's way beside the way of most tutorials, in one run.

The usual way: images as PIL, turned into tensors one by one by a DataLoader, a plain optimiser,
channels first. Median of five epochs each, alternating. The goals: LeNet-300-100 at least 3.5 and
LeNet-5 at least 1.6 times as fast.
"""

import os
import statistics
import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from course_lib.data import Split, load_mnist
from course_lib.models import ARCHITECTURES
from course_lib.training import train

os.environ["TQDM_DISABLE"] = "1"
GOALS = {"lenet_300_100": 3.5, "lenet_5": 1.6}
REPEATS = 5


class Pictures(Dataset):
    """Serve MNIST as torchvision's MNIST with ToTensor() does."""

    def __init__(self, split: Split) -> None:
        """Keep the pixels as bytes."""
        self.pixels = (split.images[:, 0] * 255).round().byte()
        self.labels = split.labels

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        """Return one image by way of PIL, and its label."""
        picture = Image.fromarray(self.pixels[place].numpy())
        return torch.from_numpy(np.array(picture)).unsqueeze(0).float().div(255), int(
            self.labels[place])


def usual_epoch(model: nn.Module, pictures: Pictures) -> None:
    """Train as most tutorials do."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model.train()
    for images, labels in DataLoader(pictures, batch_size=128, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()


def seconds(call, *arguments, **options) -> float:
    """Time one call."""
    started = time.perf_counter()
    call(*arguments, **options)
    return time.perf_counter() - started


def matmul_flops() -> float:
    """Return this machine's float32 operations a second in a large matrix product."""
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    a @ b
    return 2 * 2048**3 / statistics.median(seconds(torch.matmul, a, b) for _ in range(9))


def epoch_flops(name: str, split: Split) -> float:
    """Return the operations of an epoch, forward and backward, by torch's own counter."""
    model = ARCHITECTURES[name]()
    with FlopCounterMode(display=False) as counter:
        nn.functional.cross_entropy(model(split.images[:128]), split.labels[:128]).backward()
    return counter.get_total_flops() * len(split) / 128


def main() -> None:
    """Run the comparison and print it."""
    split = load_mnist().train
    pictures, peak = Pictures(split), matmul_flops()
    train(ARCHITECTURES["lenet_300_100"](), split[:1280], epochs=1)  # to warm up
    print(f"{torch.get_num_threads()} threads, float32 matmul at {peak / 1e9:.0f} GFLOP/s")
    for name, goal in GOALS.items():
        ours, usual = [], []
        for _ in range(REPEATS):
            ours.append(seconds(train, ARCHITECTURES[name](), split, epochs=1))
            usual.append(seconds(usual_epoch, ARCHITECTURES[name](), pictures))
        here, there = statistics.median(ours), statistics.median(usual)
        share = epoch_flops(name, split) / here / peak
        print(f"{name}: {here:.2f} s an epoch, {there:.2f} s the usual way: {there / here:.1f} "
              f"times as fast (goal {goal}); {share:.0%} of the matmul throughput")


if __name__ == "__main__":
    main()
