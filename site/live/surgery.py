"""Store what the live figure of lesson 12 cannot solve in a page: about ten seconds on one core.

    python site/live/surgery.py        # writes data/live/new_values.safetensors.gz

The shipped LeNet-300-100 at five sparsities, as the lesson's last slider has it: SparseGPT in
magnitude's budgets, and the refit of magnitude's masks, both from the first 1,000 training images.
For each the file holds by layer the survivors in row-major order as int16 with one scale a row:
fine enough that all read as many digits right as before (int8 costs up to seven of 2,000).
SparseGPT's masks are bits; a refit's mask is magnitude's, which the page has. "norms" are the L2
norms of each layer's inputs over these images: times a weight's magnitude they are Wanda's score.
"""

import gzip
import json

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from course_lib._files import DATA
from course_lib._inputs import input_rows
from course_lib.data import load_mnist
from course_lib.masks import Masks, magnitude_masks, sparsity
from course_lib.models import lenet_300_100, load_trained, prunable_layers
from course_lib.surgery import refit, sparsegpt
from course_lib.training import evaluate

FILE = DATA / "live" / "new_values.safetensors.gz"
NETWORK, SHARES, IMAGES, READ = "lenet_300_100", (0.7, 0.8, 0.9, 0.95, 0.98), 1_000, 2_000
WAYS, LEVELS = ("SparseGPT", "refit"), 32_767


def main() -> None:
    """Solve all of it and write the file."""
    torch.set_num_threads(1)
    data, model = load_mnist(), load_trained(NETWORK)
    inputs, few = data.train.images[:IMAGES], data.validation[:READ]
    tensors, right = norms(model, inputs), {}
    for share in SHARES:
        for way, (network, masks) in solved(model, share, inputs).items():
            tensors |= packed(f"{way}.{share}", network, masks)
            right[f"{way}.{share}"] = round(evaluate(network, few) * READ)
    found = {"command": "python site/live/surgery.py", "torch": torch.__version__,
             "right": json.dumps(right)}
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(gzip.compress(save(tensors, found), 9, mtime=0))
    print(found, FILE.stat().st_size, "bytes")


def solved(model: nn.Module, share: float,
           inputs: Tensor) -> dict[str, tuple[nn.Module, Masks]]:
    """Return both networks at one sparsity, each with its masks."""
    masks = magnitude_masks(model, share)
    budgets = {name: sparsity({name: mask}) for name, mask in masks.items()}
    return {"SparseGPT": sparsegpt(model, budgets, inputs),
            "refit": (refit(model, masks, inputs), masks)}


def norms(model: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Return the L2 norm of each input of each layer, as `wanda_scores` takes it."""
    return {f"norms.{name}": sum(rows.square().sum(0) for rows in input_rows(
        model, name, inputs)).sqrt().float() for name in prunable_layers(model)}


def packed(place: str, network: nn.Module, masks: Masks) -> dict[str, Tensor]:
    """Return the tensors of the file for one network; a refit's masks are magnitude's."""
    tensors = {}
    for name, layer in prunable_layers(network).items():
        weight, mask = layer.weight.detach(), masks[name]
        scale = weight.abs().amax(1) / LEVELS
        levels = (weight / scale.clamp(min=1e-30)[:, None]).round().to(torch.int16)
        tensors |= {f"{place}.{name}.kept": levels[mask], f"{place}.{name}.scale": scale}
        if place.startswith("SparseGPT"):
            tensors[f"{place}.{name}.bits"] = torch.from_numpy(np.packbits(mask.numpy()))
    return tensors


def stored_tensors() -> dict[str, Tensor]:
    """Return all that the file holds."""
    return load(gzip.decompress(FILE.read_bytes()))


def stored_networks() -> dict[str, dict[float, tuple[nn.Module, Masks]]]:
    """Return {way: {sparsity: (network, its masks)}}, values as the file has them."""
    tensors, model = stored_tensors(), load_trained(NETWORK)
    return {way: {share: _unpacked(tensors, way, share, model) for share in SHARES}
            for way in WAYS}


def _unpacked(tensors: dict[str, Tensor], way: str, share: float,
              model: nn.Module) -> tuple[nn.Module, Masks]:
    network, masks = lenet_300_100().eval(), magnitude_masks(model, share)
    network.load_state_dict(model.state_dict())
    for name, layer in prunable_layers(network).items():
        place, shape = f"{way}.{share}.{name}", layer.weight.shape
        if way == "SparseGPT":
            bits = np.unpackbits(tensors[f"{place}.bits"].numpy(), count=shape.numel())
            masks[name] = torch.from_numpy(bits).bool().view(shape)
        levels = torch.zeros(shape)
        levels[masks[name]] = tensors[f"{place}.kept"].float()
        layer.weight.data = levels * tensors[f"{place}.scale"][:, None]
    return network, masks


def stored_right() -> dict[str, int]:
    """Return how many of 2,000 validation digits each read before its values were rounded."""
    content = gzip.decompress(FILE.read_bytes())
    head = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])
    return json.loads(head["__metadata__"]["right"])


if __name__ == "__main__":
    main()
