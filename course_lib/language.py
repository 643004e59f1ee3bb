"""A language model small enough for a lesson: it reads characters and says which comes next.

The texts are Shakespeare's plays; no play stands in two splits. A loss is in nats a character.
"""

import lzma
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase, digits

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu, scaled_dot_product_attention

from course_lib._allowed import require
from course_lib._files import DATA, read_shipped
from course_lib._state import evaluating, seeded
from course_lib.models import load_weights

CHARACTERS = f"\n !\"&'(),-./{digits}:;?@{ascii_uppercase}[]_{ascii_lowercase}{{}}"
CONTEXT = 128  # characters that the model sees at a time
HEAD = 32  # numbers that one head of attention compares
SHA256 = {
    "train": "5898c03027cdbf1476c30626e16f06052aa82a4522320c3ef86f33944868e416",
    "validation": "e95678c34497b4212ea8566e724e6931b890b23f93f989ddb21f944b922885fa",
    "test": "275eb9e7be3d732773190eaff417a546a7a81f8454af8534565d548d57e40413",
}


@dataclass(frozen=True)
class Plays:
    """Hold three texts: learn from 33 plays, choose by two others, report on two more, once."""

    train: str
    validation: str
    test: str


def load_plays() -> Plays:
    """Read the plays, all files verified first. A missing file raises FileNotFoundError."""
    return Plays(**{name: lzma.decompress(read_shipped(
        DATA / "shakespeare" / f"{name}.txt.xz", "data/shakespeare", sha256)).decode("ascii")
        for name, sha256 in SHA256.items()})


class Block(nn.Module):
    """Let each character look at those before it (attention), then think on its own (two layers).

    What either finds is added to the signal, (texts, characters, width).
    """

    def __init__(self, width: int, heads: int, inner: int) -> None:
        """Build the layers: each of the heads has its own HEAD rows of q, k and v."""
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v = (nn.Linear(width, heads * HEAD, bias=False) for _ in range(3))
        self.out = nn.Linear(heads * HEAD, width, bias=False)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, signal: Tensor) -> Tensor:
        """Return the signal with what this block adds."""
        seen = self.norm1(signal)
        q, k, v = (part(seen).unflatten(2, (-1, HEAD)).transpose(1, 2)
                   for part in (self.q, self.k, self.v))
        heads = scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        signal = signal + self.out(heads)
        return signal + self.down(gelu(self.up(self.norm2(signal))))


class CharGPT(nn.Module):
    """Hold embeddings, blocks, and a last norm; the head that answers reads the embedding anew."""

    def __init__(self, blocks: int, width: int, heads: int, inner: int) -> None:
        """Build the layers, their weights normal with a standard deviation of 0.02."""
        super().__init__()
        self.characters = nn.Embedding(len(CHARACTERS), width)
        self.positions = nn.Embedding(CONTEXT, width)
        self.blocks = nn.Sequential(*(Block(width, heads, inner) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        for values in self.parameters():
            if values.dim() > 1:
                nn.init.normal_(values, std=0.02)

    def forward(self, codes: Tensor) -> Tensor:
        """Return an output for each character that could come next, (texts, characters, 83)."""
        signal = self.characters(codes) + self.positions.weight[:codes.shape[1]]
        return self.norm(self.blocks(signal)) @ self.characters.weight.T


def char_gpt(seed: int = 0, *, blocks: int = 4, width: int = 128, heads: int = 4,
             inner: int = 512) -> CharGPT:
    """Build a small relative of GPT-2 (Radford et al. 2019): 786,432 weights in 24 Linear layers.

    `prunable_layers` finds q, k, v, out, up and down of each block; the head is tied to the
    embedding and never pruned. Kept of GPT-2: all but its dropout and its size.
    """
    with seeded(seed):
        return CharGPT(blocks, width, heads, inner)


def load_char_gpt() -> CharGPT:
    """Build `char_gpt` with the weights that the course trained; errors as in `load_trained`."""
    return load_weights(char_gpt(), "char_gpt")


def encode(text: str) -> Tensor:
    """Return the number of each character, int64 (characters,); unknown ones raise ValueError."""
    require(len(text) > 0, "len(text)", 0, "1 or more")
    unknown = sorted(set(text) - set(CHARACTERS))
    require(not unknown, "a character of text", unknown[:1], f"one of {CHARACTERS!r}")
    table = torch.zeros(128, dtype=torch.int64)
    table[list(CHARACTERS.encode())] = torch.arange(len(CHARACTERS))
    return table[torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8).long()]


def windows(text: str) -> tuple[Tensor, Tensor]:
    """Return the pieces of a text, int64 (pieces, CONTEXT), and what follows each character."""
    pieces = (len(text) - 1) // CONTEXT
    require(pieces > 0, "len(text)", len(text), f"{CONTEXT + 1} or more")
    codes = encode(text[:pieces * CONTEXT + 1])
    return codes[:-1].view(pieces, CONTEXT), codes[1:].view(pieces, CONTEXT)


def piece_losses(model: nn.Module, text: str) -> Tensor:
    """Return the loss of each piece of the text, (pieces,), in nats a character."""
    with evaluating(model), torch.inference_mode():
        return torch.cat([
            cross_entropy(model(codes).transpose(1, 2), following, reduction="none").mean(1)
            for codes, following in zip(*(each.split(64) for each in windows(text)), strict=True)])


def loss(model: nn.Module, text: str) -> float:
    """Return the mean loss in nats a character; guessing evenly among 83 would cost 4.42."""
    return float(piece_losses(model, text).mean())


def sample(model: nn.Module, prompt: str, seed: int = 0, *, length: int = 200,
           temperature: float = 0.7) -> str:
    """Let the model go on from the prompt, one character after another, drawn at random."""
    require(len(prompt) > 0, "prompt", prompt, "one character or more")
    codes, generator = encode(prompt)[None], torch.Generator().manual_seed(seed)
    with evaluating(model), torch.inference_mode():
        for _ in range(length):
            shares = (model(codes[:, -CONTEXT:])[:, -1] / temperature).softmax(1)
            codes = torch.cat([codes, torch.multinomial(shares, 1, generator=generator)], 1)
    return "".join(CHARACTERS[code] for code in codes[0])
