"""Store Han's rounds for the live figure of lesson 05, once: about a minute on one core.

    python site/live/rounds.py        # writes data/live/han_rounds.safetensors.gz

Seven rounds on the shipped LeNet-300-100, by the course's own recipe. The file holds for each layer
"until" (uint8, 0: pruned in round 1, …, 7: it stays) in the weight's shape, and for each round the
survivors in row-major order as int8 with one scale a layer, so that the values are rounded to 255
levels: what the figure reads, before and after each retraining, are these. Biases are float32.
"""

import gzip
import json
import os

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from course_lib._files import DATA
from course_lib.data import load_mnist
from course_lib.iterative import Round, prune_and_retrain
from course_lib.masks import Masks
from course_lib.models import lenet_300_100, load_trained, prunable_layers

from course_tools.experiments.recipes import HAN, qualities

FILE = DATA / "live" / "han_rounds.safetensors.gz"
NETWORK = "lenet_300_100"


def main() -> None:
    """Run the rounds and write the file."""
    os.environ["TQDM_DISABLE"] = "1"
    torch.set_num_threads(1)
    rounds = list(prune_and_retrain(load_trained(NETWORK), load_mnist(), qualities(NETWORK),
                                    **HAN["retraining"][NETWORK]))
    found = {"command": "python site/live/rounds.py", "torch": torch.__version__,
             "after": json.dumps([round(each.after, 4) for each in rounds])}
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(gzip.compress(save(packed(rounds), found), 9, mtime=0))
    print(found, [round(each.compression, 1) for each in rounds], FILE.stat().st_size, "bytes")


def packed(rounds: list[Round]) -> dict[str, Tensor]:
    """Return the tensors of the file."""
    tensors = {f"{name}.until": sum(each.masks[name].to(torch.uint8) for each in rounds)
               for name in rounds[0].masks}
    for each in rounds:
        for name, mask in each.masks.items():
            kept, place = each.weights[f"{name}.weight"][mask], f"{each.number}.{name}"
            scale = kept.abs().max() / 127
            tensors |= {f"{place}.kept": (kept / scale).round().to(torch.int8),
                        f"{place}.scale": scale.reshape(1),
                        f"{place}.bias": each.weights[f"{name}.bias"].clone()}
    return tensors


def stored_rounds() -> list[tuple[nn.Module, Masks]]:
    """Return the network at the end of each round, as the file has it, and its masks."""
    tensors, rounds = load(gzip.decompress(FILE.read_bytes())), []
    for number in range(1, 1 + max(int(key[0]) for key in tensors if key[0].isdigit())):
        model, masks = lenet_300_100().eval(), {}
        for name, layer in prunable_layers(model).items():
            masks[name] = tensors[f"{name}.until"] >= number
            place = f"{number}.{name}"
            layer.weight.data.zero_()[masks[name]] = (
                tensors[f"{place}.kept"].float() * tensors[f"{place}.scale"])
            layer.bias.data = tensors[f"{place}.bias"]
        rounds.append((model, masks))
    return rounds


def stored_accuracies() -> list[float]:
    """Return the validation accuracy after each round, before the values were rounded."""
    content = gzip.decompress(FILE.read_bytes())
    head = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])
    return json.loads(head["__metadata__"]["after"])


if __name__ == "__main__":
    main()
