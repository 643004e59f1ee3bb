"""The networks that the course prunes, four chains and a residual one, and their weights."""

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence

from safetensors.torch import load
from torch import Tensor, nn
from torch.nn.functional import relu

from course_lib._allowed import require
from course_lib._files import CHECKPOINTS, RESULTS, read_shipped
from course_lib._state import seeded

FOLDERS = "data/checkpoints data/results"  # what git restores


def perceptron(width: int, seed: int = 0) -> nn.Sequential:
    """Build a network with one hidden layer, 784-width-10, or with none, 784-10, at width 0."""
    with seeded(seed):
        layers = OrderedDict(flatten=nn.Flatten(), fc1=nn.Linear(784, width or 10))
        if width:
            layers |= {"relu1": nn.ReLU(), "fc2": nn.Linear(width, 10)}
    return nn.Sequential(layers)


def lenet_300_100(seed: int = 0) -> nn.Sequential:
    """Build LeNet-300-100 (LeCun et al. 1998): 266,200 weights in three Linear layers."""
    with seeded(seed):
        return nn.Sequential(OrderedDict(
            flatten=nn.Flatten(),
            fc1=nn.Linear(784, 300), relu1=nn.ReLU(),
            fc2=nn.Linear(300, 100), relu2=nn.ReLU(),
            fc3=nn.Linear(100, 10)))


def lenet_5(seed: int = 0) -> nn.Sequential:
    """Build LeNet-5 as Caffe ships it (20-50-500-10): 430,500 weights, one ReLU in all."""
    with seeded(seed):
        return nn.Sequential(OrderedDict(
            conv1=nn.Conv2d(1, 20, 5), pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(20, 50, 5), pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(800, 500), relu1=nn.ReLU(),
            fc2=nn.Linear(500, 10)))


def alexnet_mini(seed: int = 0) -> nn.Sequential:
    """Build a small relative of AlexNet (Krizhevsky et al. 2012) for 28 x 28 pixels.

    Kept: five convolutions, the first with a stride, two of them 5 x 5 and pooled, then three fully
    connected layers with dropout. Scaled down: 32-64-96-96-64 filters for 96-256-384-384-256, 256
    and 128 neurons for 4096 twice, 5 x 5 for 11 x 11 in the first filters. Left out: local response
    normalisation, groups, the last pooling (the map is 3 x 3 by then). 427,040 weights, 43 % of
    them in fully connected layers (96 % in AlexNet).
    """
    with seeded(seed):
        return nn.Sequential(OrderedDict(
            conv1=nn.Conv2d(1, 32, 5, stride=2, padding=2), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(32, 64, 5, padding=2), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2),
            conv3=nn.Conv2d(64, 96, 3, padding=1), relu3=nn.ReLU(),
            conv4=nn.Conv2d(96, 96, 3, padding=1), relu4=nn.ReLU(),
            conv5=nn.Conv2d(96, 64, 3, padding=1), relu5=nn.ReLU(),
            flatten=nn.Flatten(),
            drop6=nn.Dropout(0.5), fc6=nn.Linear(576, 256), relu6=nn.ReLU(),
            drop7=nn.Dropout(0.5), fc7=nn.Linear(256, 128), relu7=nn.ReLU(),
            fc8=nn.Linear(128, 10)))


def vgg_mini(seed: int = 0) -> nn.Sequential:
    """Build a small relative of VGG-16 (Simonyan and Zisserman 2014) with batch norm.

    Kept: blocks of 3 x 3 convolutions that end in a pooling, each twice as wide as the last. Scaled
    down: 1, 2, 3, 3 convolutions for 2, 2, 3, 3, 3, filters from 8 to 64 for 64 to 512, two fully
    connected layers (64-10) for three (4096-4096-1000). Added: batch norm, without which it hardly
    trains at this depth. 123,464 weights, 4 % in fully connected layers (89 % in VGG-16).
    """
    layers, channels = OrderedDict(), 1
    with seeded(seed):
        for block, widths in enumerate([(8,), (16, 16), (32, 32, 32), (64, 64, 64)], start=1):
            for index, width in enumerate(widths, start=1):
                layers |= {f"conv{block}_{index}": nn.Conv2d(channels, width, 3, padding=1),
                           f"norm{block}_{index}": nn.BatchNorm2d(width),
                           f"relu{block}_{index}": nn.ReLU()}
                channels = width
            layers[f"pool{block}"] = nn.MaxPool2d(3 if block == 4 else 2)
        layers |= {"flatten": nn.Flatten(), "fc1": nn.Linear(64, 64), "relu5": nn.ReLU(),
                   "drop5": nn.Dropout(0.5), "fc2": nn.Linear(64, 10)}
    return nn.Sequential(layers)


class Residual(nn.Module):
    """Add to a signal what two convolutions, of `inner` and `width` filters, make of it.

    Where the sizes differ, a 1 x 1 convolution projects the signal. Source: He et al. 2016.
    """

    def __init__(self, channels: int, inner: int, width: int, stride: int) -> None:
        """Build the layers with new weights."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, inner, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Identity() if (channels, stride) == (width, 1) else nn.Sequential(
            OrderedDict(conv=nn.Conv2d(channels, width, 1, stride, bias=False),
                        norm=nn.BatchNorm2d(width)))

    def forward(self, signal: Tensor) -> Tensor:
        """Return the sum, (images, width, rows, columns)."""
        change = self.norm2(self.conv2(relu(self.norm1(self.conv1(signal)))))
        return relu(change + self.shortcut(signal))


class ResNet(nn.Module):
    """Hold a stem, residual blocks (inner, width, stride), and a Linear that reads maps' means."""

    def __init__(self, stem: int, blocks: Sequence[Sequence[int]]) -> None:
        """Build the layers with new weights."""
        super().__init__()
        self.stem = nn.Sequential(OrderedDict(
            conv=nn.Conv2d(1, stem, 5, stride=2, padding=2, bias=False),
            norm=nn.BatchNorm2d(stem), relu=nn.ReLU()))
        widths = [stem, *(width for _, width, _ in blocks)]
        self.blocks = nn.Sequential(*(Residual(channels, *block)
                                      for channels, block in zip(widths, blocks, strict=False)))
        self.fc = nn.Linear(widths[-1], 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return an output for each digit, (images, 10)."""
        return self.fc(self.blocks(self.stem(images)).mean(dim=(2, 3)))


def resnet_mini(seed: int = 0) -> ResNet:
    """Build a small relative of the residual networks of He et al. 2016, for 28 x 28 pixels.

    Kept: blocks of two 3 x 3 convolutions with batch norm and a shortcut around them, twice the
    filters and a projection where the map halves, the mean of each map before one Linear layer.
    Scaled down: blocks of 16, 32 and 64 filters, the first with an identity. 77,328 weights.
    """
    with seeded(seed):
        return ResNet(16, [(16, 16, 1), (32, 32, 2), (64, 64, 2)])


ARCHITECTURES: dict[str, Callable[..., nn.Sequential]] = {  # the chains, which the long runs prune
    build.__name__: build for build in (lenet_300_100, lenet_5, alexnet_mini, vgg_mini)
}
NETWORKS: dict[str, Callable[..., nn.Module]] = ARCHITECTURES | {"resnet_mini": resnet_mini}


def prunable_layers(model: nn.Module) -> dict[str, nn.Linear | nn.Conv2d]:
    """Return the layers whose weights can be pruned, by name, in the model's own order.

    A model without any raises ValueError.

    >>> list(prunable_layers(lenet_5()))
    ['conv1', 'conv2', 'fc1', 'fc2']
    """
    layers = {name: part for name, part in model.named_modules()
              if isinstance(part, nn.Linear | nn.Conv2d)}
    require(bool(layers), "model", type(model), "one with a Linear or Conv2d in it")
    return layers


def load_trained(name: str) -> nn.Module:
    """Build the network `name` with the weights that the course trained, in eval mode.

    A missing file raises FileNotFoundError, one that fails its checksum ValueError.
    """
    require(name in NETWORKS, "name", name, f"one of {', '.join(NETWORKS)}")
    return load_weights(NETWORKS[name](), name)


def load_weights(model: nn.Module, name: str) -> nn.Module:
    """Give a model the weights of the checkpoint `name`, verified; return it in eval mode."""
    record = json.loads(read_shipped(RESULTS / f"train_{name}.json", FOLDERS))
    content = read_shipped(CHECKPOINTS / f"{name}.safetensors", FOLDERS, record["sha256"])
    model.load_state_dict(load(content))
    return model.eval()
