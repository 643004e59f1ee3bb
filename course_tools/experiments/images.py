"""Which images a network reads wrong, as a short text in a row of results.

With them any two networks of a file can be compared image by image, also under several seeds, and
whatever is known of the images can be asked of networks that were trained long before.
"""

import base64
import zlib
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor


def packed(wrong: Tensor) -> str:
    """Return a bool tensor (images,) as text: one bit an image, deflated, in base64.

    10,000 images of which 2 % are wrong take about 400 characters.

    >>> unpacked(packed(torch.tensor([False, True, False]))).tolist()
    [False, True, False]
    """
    content = len(wrong).to_bytes(4, "big") + np.packbits(wrong.numpy()).tobytes()
    return base64.b64encode(zlib.compress(content, 9)).decode()


def unpacked(text: str) -> Tensor:
    """Return the tensor that `packed` made a text of."""
    content = zlib.decompress(base64.b64decode(text))
    bits = np.unpackbits(np.frombuffer(content, np.uint8, offset=4),
                         count=int.from_bytes(content[:4], "big"))
    return torch.from_numpy(bits).bool()


def right_images(rows: Iterable[dict], split: str) -> Tensor:
    """Return which images of a split the networks of some rows read right, bool (rows, images).

    With one row a seed, two of these are what `two_level_drop` compares.
    """
    return torch.stack([~unpacked(row["wrong"][split]) for row in rows])
