"""The networks that ship trained: a checkpoint, and a record of how it came about."""

import hashlib
import json
import time
from pathlib import Path

import torch
from safetensors.torch import save

from course_lib._files import DATA, write_whole
from course_lib.data import MNIST
from course_lib.models import NETWORKS
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import SHIPPED
from course_tools.experiments.results import circumstances


def train_network(name: str, seed: int, data: MNIST, out: Path = DATA) -> dict:
    """Train one network by its recipe; write its checkpoint, and its record with a checksum.

    The test split is looked at once, at the end.
    """
    started = time.perf_counter()
    model = NETWORKS[name](seed)
    losses = train(model, data.train, **SHIPPED[name], seed=seed)
    content = save(model.state_dict())
    command = f"course experiments train --networks {name} --seed {seed}"
    record = circumstances(command, [seed], torch.get_num_threads()) | SHIPPED[name] | {
        "network": name,
        "seed": seed,
        "loss": losses[-1],
        "validation_accuracy": evaluate(model, data.validation),
        "test_accuracy": evaluate(model, data.test),
        "seconds": round(time.perf_counter() - started, 1),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_whole(out / "checkpoints" / f"{name}.safetensors", content)
    write_whole(out / "results" / f"train_{name}.json", json.dumps(record, indent=1).encode())
    return record
