"""Write the data of the live figures as script files, from what lies in data/.

    python site/live/weights.py [FOLDER]        # site/live/dist/data

A page opened from a folder may load scripts, but fetch nothing: so each file is one call,
courseLive(name, value). Binary values are gzip in base64. A figure's own file says which of the
large ones it "needs"; several figures share those. Weights travel as float32: float16 would change
the number of right answers at 8 of 46 sparsities that were tried. Their bytes are sorted by
significance, which gzip prefers.
"""

import base64
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from course_lib.data import MNIST, Split, load_mnist
from course_lib.models import load_trained, prunable_layers
from course_lib.scores import taylor_scores

from course_tools.experiments import load_results

sys.path.insert(0, str(Path(__file__).parent))
from rounds import stored_rounds
from surgery import SHARES, WAYS, stored_tensors

DIST = Path(__file__).parent / "dist" / "data"
IMAGES = 2_000  # of validation, as in the notebooks' sliders
BOTH = {"needs": ["network", "digits"]}
FIELDS = ("granularity", "way", "retrained", "nonzero", "bytes", "lost", "gained")


def main(folder: Path = DIST) -> None:
    """Write all files into a folder, and print their sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values(load_trained("lenet_300_100"), load_mnist()).items():
        file = folder / f"{name}.js"
        file.write_text(f"courseLive({json.dumps(name)}, {json.dumps(value)});\n", "utf-8")
        print(f"{name:>10} {file.stat().st_size / 1000:8,.1f} kB")


def values(model: nn.Module, data: MNIST) -> dict[str, object]:
    """Return what each file holds, by name."""
    return {
        "network": blob(planes(parameters(model))),
        "digits": blob(digits(data.validation[:IMAGES])),
        "threshold": BOTH, "sparsity": BOTH, "draw": BOTH,
        "neurons": BOTH | {"order": order(model, data)},
        "rounds": BOTH | rounds(),
        "surgery": BOTH | new_values(),
        "bound": {"needs": [], "images": len(data.validation), "fields": FIELDS,
                  "trials": trials(load_results("tradeoff", partial=True))},
    }


def blob(content: bytes) -> str:
    """Return bytes as gzip in base64."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def parameters(model: nn.Module) -> np.ndarray:
    """Return weight and bias of each layer in turn, float32."""
    return torch.cat([part.detach().flatten() for layer in prunable_layers(model).values()
                      for part in (layer.weight, layer.bias)]).numpy()


def planes(numbers: np.ndarray) -> bytes:
    """Return first the lowest byte of all numbers (float32, little-endian), then the next ones."""
    return numbers.astype("<f4").view(np.uint8).reshape(-1, 4).T.tobytes()


def digits(split: Split) -> bytes:
    """Return the images, a byte a pixel, then the labels."""
    images = (split.images * 255).round().to(torch.uint8)
    return images.numpy().tobytes() + split.labels.to(torch.uint8).numpy().tobytes()


def order(model: nn.Module, data: MNIST) -> list[int]:
    """Return the neurons of fc1 as lesson 03 lets them go: lowest Taylor score first."""
    return taylor_scores(model, data.train[:2_000])["fc1"].argsort(stable=True).tolist()


def rounds() -> dict[str, object]:
    """Return Han's rounds: until which round each weight stays, then each round's survivors.

    The blob holds "until", a byte a weight, and for each round the survivors of all layers as int8
    multiples of the layer's "scale", then the biases, float32.
    """
    stored = stored_rounds()
    until = [sum(masks[name].to(torch.uint8) for _, masks in stored) for name in stored[0][1]]
    parts, scales = [layer.numpy().tobytes() for layer in until], []
    for model, masks in stored:
        layers = prunable_layers(model)
        kept = {name: layers[name].weight.detach()[mask] for name, mask in masks.items()}
        scales.append([float(weights.abs().max() / 127) for weights in kept.values()])
        for weights, scale in zip(kept.values(), scales[-1], strict=True):
            parts.append((weights / scale).round().to(torch.int8).numpy().tobytes())
        parts += [layer.bias.detach().numpy().tobytes() for layer in layers.values()]
    return {"scale": scales, "blob": blob(b"".join(parts))}


def new_values() -> dict[str, object]:
    """Return what lesson 12's figure reads beside magnitude: norms, then networks, way by way.

    The blob holds each layer's norms, float32; then for each way, sparsity and layer the bits of
    the mask (SparseGPT alone), a scale for each row, float32, and the survivors as int16, first the
    lower byte of all and then the higher one.
    """
    tensors = {key: tensor.numpy() for key, tensor in stored_tensors().items()}
    layers = list(prunable_layers(load_trained("lenet_300_100")))  # the file's keys have no order
    parts = [tensors[f"norms.{name}"].tobytes() for name in layers]
    for place in (f"{way}.{share}.{name}" for way in WAYS for share in SHARES for name in layers):
        if f"{place}.bits" in tensors:
            parts.append(tensors[f"{place}.bits"].tobytes())
        levels = tensors[f"{place}.kept"].astype("<i2").view(np.uint8).reshape(-1, 2)
        parts += [tensors[f"{place}.scale"].tobytes(), levels.T.tobytes()]
    return {"ways": WAYS, "shares": SHARES, "blob": blob(b"".join(parts))}


def trials(rows: list[dict]) -> dict[str, dict[int, list]]:
    """Return {network: {seed: rows}}, each row in the order of FIELDS, the unpruned network first.

    Lost and gained are counted on validation: whoever drags a bound must not see the test split.
    """
    found: dict[str, dict[int, list]] = {}
    for row in rows:
        if row["granularity"] != "none" or not row["retrained"]:
            lost, gained = row["validation"]
            found.setdefault(row["network"], {}).setdefault(row["seed"], []).append(
                [row["granularity"], row["way"], row["retrained"], row["nonzero"],
                 row["bytes"]["zstd"], lost, gained])
    return {name: dict(sorted(seeds.items())) for name, seeds in sorted(found.items())}


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
