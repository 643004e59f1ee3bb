"""How the language model of lesson 13 was trained: a long run that can be cut off and goes on."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from course_lib._allowed import require
from course_lib.language import CONTEXT, encode
from course_lib.masks import Masks, apply_masks

SAVED_EVERY = 250  # steps


def train_on_text(model: nn.Module, text: str, *, steps: int, lr: float = 2e-3,
                  masks: Masks | None = None, seed: int = 0, save: Path | None = None
                  ) -> list[float]:
    """Train the model that it is given, 32 pieces of the text a step; return the loss of each step.

    `lr` rises over 100 steps, or a tenth of them, and falls along half a cosine to about zero.
    `masks` hold pruned weights at zero. With `save` the state is written there now and then, and
    a run that was cut off goes on from it, to the same end.
    """
    codes, generator = encode(text), torch.Generator().manual_seed(seed)
    require(len(codes) > CONTEXT + 1, "len(text)", len(codes), f"{CONTEXT + 2} or more")
    optimizer = AdamW(_groups(model), lr=lr, betas=(0.9, 0.95), fused=True)
    schedule = OneCycleLR(optimizer, lr, total_steps=steps + 1, pct_start=min(0.1, 100 / steps),
                          cycle_momentum=False)
    losses = _resume(save, (model, optimizer, schedule), generator)
    apply_masks(model, masks or {})
    for _ in range(len(losses), steps):
        losses.append(_step(model, codes, optimizer, generator))
        schedule.step()
        apply_masks(model, masks or {})
        if save and len(losses) % SAVED_EVERY == 0:
            states = [part.state_dict() for part in (model, optimizer, schedule)]
            torch.save([losses, *states, generator.get_state()], save)
    return losses


def _groups(model: nn.Module) -> list[dict]:
    return [{"params": [each for each in model.parameters() if (each.dim() > 1) == decays],
             "weight_decay": 0.1 * decays} for decays in (True, False)]


def _step(model: nn.Module, codes: Tensor, optimizer: AdamW, generator: torch.Generator) -> float:
    starts = torch.randint(len(codes) - CONTEXT, (32, 1), generator=generator)
    pieces = codes[starts + torch.arange(CONTEXT + 1)]
    value = cross_entropy(model(pieces[:, :-1]).flatten(0, 1), pieces[:, 1:].flatten())
    optimizer.zero_grad()
    value.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return value.item()


def _resume(save: Path | None, parts: tuple, generator: torch.Generator) -> list[float]:
    if not save or not save.is_file():
        return []
    losses, *states, numbers = torch.load(save)
    for part, state in zip(parts, states, strict=True):
        part.load_state_dict(state)
    generator.set_state(numbers)
    return losses
