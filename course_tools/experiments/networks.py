"""The networks that ship trained: a checkpoint, and a record of how it came about."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from course_lib import language
from course_lib._files import DATA, write_whole
from course_lib.data import MNIST
from course_lib.models import NETWORKS
from course_lib.training import evaluate, train

from course_tools.experiments.recipes import CHAR_GPT, SHIPPED
from course_tools.experiments.results import circumstances
from course_tools.experiments.text_training import train_on_text


def train_network(name: str, seed: int, data: MNIST, out: Path = DATA) -> dict:
    """Train one network by its recipe; write its checkpoint, and its record with a checksum.

    The test split is looked at once, at the end.
    """
    started = time.perf_counter()
    model = NETWORKS[name](seed)
    losses = train(model, data.train, **SHIPPED[name], seed=seed)
    record = SHIPPED[name] | {
        "loss": losses[-1],
        "validation_accuracy": evaluate(model, data.validation),
        "test_accuracy": evaluate(model, data.test),
        "seconds": round(time.perf_counter() - started, 1),
    }
    return _store(name, seed, model, record, out)


def train_char_gpt(seed: int, out: Path = DATA) -> dict:
    """Train the language model by its recipe; write its checkpoint, and its record.

    Beside them it keeps its state, so that a run that was cut off goes on, and its last state.
    """
    started, plays = time.process_time(), language.load_plays()
    model, losses = trained_char_gpt(seed, out)
    record = CHAR_GPT | {
        "loss": sum(losses[-100:]) / 100,
        "validation_loss": language.loss(model, plays.validation),
        "test_loss": language.loss(model, plays.test),
        "seconds": round(time.process_time() - started, 1),
    }
    return _store("char_gpt", seed, model, record, out)


def trained_char_gpt(seed: int, out: Path = DATA, recipe: Mapping = CHAR_GPT
                     ) -> tuple[nn.Module, list[float]]:
    """Return the language model as trained by its recipe, and the loss of each step.

    The state in `out`/anew/states goes on where it was cut off, to the same end.
    """
    state = out / "anew" / "states" / f"char_gpt_{seed}.pt"
    state.parent.mkdir(parents=True, exist_ok=True)
    model = language.char_gpt(seed)
    return model, train_on_text(model, language.load_plays().train, **recipe, seed=seed, save=state)


def _store(name: str, seed: int, model: nn.Module, record: dict, out: Path) -> dict:
    content = save(model.state_dict())
    command = f"course experiments train --networks {name} --seed {seed}"
    record = circumstances(command, [seed], torch.get_num_threads()) | record | {
        "network": name, "seed": seed, "sha256": hashlib.sha256(content).hexdigest()}
    write_whole(out / "checkpoints" / f"{name}.safetensors", content)
    write_whole(out / "results" / f"train_{name}.json", json.dumps(record, indent=1).encode())
    return record
