"""What removal saves in time: vgg_mini with half its filters, beside the full one.

Side by side in one run: latency at batch 1 and 256 with 1 and 2 threads beside the reduction in
multiplications; the removed network beside the same small network built directly; and how long
`remove_units` takes beside Torch-Pruning on the same removal.
"""

import copy
import os
import statistics
import time
from functools import partial

import torch
import torch_pruning
from torch import nn

from course_lib.chains import build_chain, chain_config
from course_lib.masks import Keep, units_to_keep
from course_lib.measure import measure, side_by_side
from course_lib.models import load_trained, prunable_layers
from course_lib.removal import remove_units

ROUNDS = 7


def torch_pruning_removal(model: nn.Sequential, keep: Keep) -> nn.Sequential:
    """Do the same removal with Torch-Pruning: build the graph, prune layer by layer."""
    graph = torch_pruning.DependencyGraph().build_dependency(model, torch.rand(1, 1, 28, 28))
    for name, part in prunable_layers(model).items():
        if name in keep:
            gone = sorted(set(range(part.weight.shape[0])) - set(keep[name].tolist()))
            prune = (torch_pruning.prune_conv_out_channels if isinstance(part, nn.Conv2d)
                     else torch_pruning.prune_linear_out_channels)
            graph.get_pruning_group(part, prune, idxs=gone).prune()
    return model


def milliseconds(call, *arguments) -> float:
    """Time one call."""
    started = time.perf_counter()
    call(*arguments)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Run the comparison and print it."""
    full = load_trained("vgg_mini")
    keep = units_to_keep(full, 0.5)
    small = remove_units(full, keep)
    built = build_chain(chain_config(small)).eval()
    built.load_state_dict(small.state_dict())  # pooling and ReLU take longer on some values
    saved = measure(full).macs / measure(small).macs
    print(f"half of the filters: {saved:.2f} times fewer multiplications")
    for threads in sorted({1, min(2, os.cpu_count() or 1)}):
        for batch in (1, 256):
            images = torch.rand(batch, 1, 28, 28)
            ms = side_by_side({"full": partial(full, images), "removed": partial(small, images),
                               "built": partial(built, images)},
                              threads=threads, seconds=0.2 * ROUNDS, rounds=ROUNDS)
            faster, level = ms["full"] / ms["removed"], ms["built"] / ms["removed"]
            print(f"batch {batch:>3}, {threads} threads: {ms['full']:.2f} ms full, "
                  f"{ms['removed']:.2f} ms removed, {faster:.2f} times as fast; "
                  f"removed is {level:.2f} times as fast as built directly")
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(milliseconds(remove_units, full, keep))
        theirs.append(milliseconds(torch_pruning_removal, copy.deepcopy(full), keep))
    here, there = statistics.median(ours), statistics.median(theirs)
    print(f"remove_units: {here:.1f} ms, Torch-Pruning: {there:.1f} ms: "
          f"{there / here:.1f} times as fast")


if __name__ == "__main__":
    main()
