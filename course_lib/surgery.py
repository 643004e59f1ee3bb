"""Surgery: new values for the weights that stay, solved and not trained, without labels.

They are set so that on a few thousand inputs the layer says, as nearly as it can, what it said
before. Source of the idea: LeCun, Denker, Solla 1990; Hassibi and Stork 1993.
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from course_lib._allowed import by_layer, check_share, check_size, check_whole, require
from course_lib._inputs import input_rows
from course_lib.masks import Masks, full_masks, keep_top
from course_lib.models import prunable_layers


def refit(model: nn.Module, masks: Masks, inputs: Tensor, *, damping: float = 0.01) -> nn.Module:
    """Return the model pruned by `masks`, its survivors fitted anew by least squares.

    Layer by layer, each row's survivors w solve min |X·w − y|² + λ·|w − v|²: X is what the pruned
    layers before now give for the `inputs`, y what this row gave before pruning, v its survivors'
    values until now, λ = `damping` · the mean of the diagonal of XᵀX. Biases stay, and layers that
    `masks` does not name. Float64 inside; a layer that cannot be solved raises ValueError.

    >>> model = nn.Sequential(nn.Linear(2, 1, bias=False))
    >>> model[0].weight.data = torch.tensor([[1.0, 1.0]])
    >>> twice = torch.tensor([[1.0, 1.0], [2.0, 2.0]])  # both inputs always say the same
    >>> refit(model, {"0": torch.tensor([[True, False]])}, twice, damping=0.0)[0].weight.data
    tensor([[2., 0.]])
    """
    full_masks(model, masks)  # refuses what does not fit
    pruned = copy.deepcopy(model)
    for name, layer in prunable_layers(pruned).items():
        if name in masks:
            gram, with_dense = _moments(pruned, model, name, inputs)
            ridge = _ridge(gram, damping)
            old = layer.weight.detach().flatten(1).double()
            new = torch.zeros_like(old)
            for row, mask in enumerate(masks[name].flatten(1)):
                stay = mask.nonzero().flatten()
                target = with_dense[stay] @ old[row] + ridge[0, 0] * old[row, stay]
                root = _cholesky(name, (gram + ridge)[stay][:, stay])
                new[row, stay] = torch.cholesky_solve(target[:, None], root)[:, 0]
            layer.weight.data = new.view_as(layer.weight).to(layer.weight.dtype)
    return pruned


def row_masks(scores: dict[str, Tensor], sparsity: float) -> Masks:
    """Keep in each row the weights of highest score; every neuron or filter gives up as many.

    >>> row_masks({"fc": torch.tensor([[1.0, 2.0], [9.0, 8.0]])}, 0.5)
    {'fc': tensor([[False,  True],
            [ True, False]])}
    """
    return {name: torch.stack([keep_top(row, sparsity) for row in score])
            for name, score in scores.items()}


def _moments(pruned: nn.Module, dense: nn.Module, name: str, inputs: Tensor
             ) -> tuple[Tensor, Tensor]:
    """Return XᵀX and XᵀX′: X enters the layer of the pruned model, X′ that of the dense one."""
    gram = with_dense = 0.0
    for rows, before in zip(input_rows(pruned, name, inputs), input_rows(dense, name, inputs),
                            strict=True):
        gram, with_dense = gram + rows.T @ rows, with_dense + rows.T @ before
    return gram, with_dense


def _ridge(gram: Tensor, damping: float) -> Tensor:
    check_size("damping", damping)
    return damping * gram.diag().mean() * torch.eye(len(gram), dtype=gram.dtype)


def _cholesky(name: str, gram: Tensor) -> Tensor:
    root, failed = torch.linalg.cholesky_ex(gram)
    require(not failed and bool(root.isfinite().all()), f"XᵀX of layer {name!r}", "singular",
            "one that can be inverted: a larger damping, or more and more varied inputs")
    return root


def sparsegpt(model: nn.Module, sparsity: float | dict[str, float] | str, inputs: Tensor, *,
              block: int = 64, damping: float = 0.01) -> tuple[nn.Module, Masks]:
    """Prune each layer column by column; the columns to the right make up for what goes.

    `sparsity` is a share, {layer: share}, or "2:4": two of four neighbours in a row go. A block of
    columns chooses its mask when its turn comes, by w² / [H⁻¹] of what is then left, H = XᵀX + λ
    over the inputs that the pruned layers before give, λ as in `refit`. The model that is given
    stays as it is. Source: Frantar and Alistarh 2023.
    """
    check_whole("block", block)
    layers = prunable_layers(model)
    shares = by_layer("sparsity", sparsity, layers)
    for name, share in shares.items():
        _check_share(name, share, layers[name].weight[0].numel(), block)
    pruned, masks = copy.deepcopy(model), {}
    for name, share in shares.items():
        layer = prunable_layers(pruned)[name]
        gram = sum(rows.T @ rows for rows in input_rows(pruned, name, inputs))
        weight = layer.weight.detach().flatten(1).double()
        new, mask = _by_columns(weight, _factor(name, gram, damping), share, block)
        layer.weight.data = new.view_as(layer.weight).to(layer.weight.dtype)
        masks[name] = mask.view_as(layer.weight)
    return pruned, masks


def _check_share(name: str, share: object, width: int, block: int) -> None:
    if share != "2:4":
        return check_share(f"sparsity for {name!r}", share)
    require(width % 4 == 0, f"inputs of layer {name!r}", width, "a multiple of 4 for '2:4'")
    return require(block % 4 == 0, "block", block, "a multiple of 4 for '2:4'")


def _factor(name: str, gram: Tensor, damping: float) -> Tensor:
    """Return the upper triangle U with UᵀU = H⁻¹; row j is the update for column j and later."""
    inverse = torch.cholesky_inverse(_cholesky(name, gram + _ridge(gram, damping)))
    return _cholesky(name, inverse).T


def _by_columns(weight: Tensor, factor: Tensor, share: float | str, block: int
                ) -> tuple[Tensor, Tensor]:
    """Return the new weights of one layer, and which of them stay."""
    weight, mask = weight.clone(), torch.ones(weight.shape, dtype=torch.bool)
    for column, chosen in _choices(weight, factor.diag(), share, block):
        mask[:, column:column + chosen.shape[1]] = chosen
        for j in range(column, column + chosen.shape[1]):
            error = (weight[:, j] / factor[j, j]).masked_fill(mask[:, j], 0)
            weight[:, j:] -= error[:, None] * factor[j, j:]
            weight[~mask[:, j], j] = 0
    return weight, mask


def _choices(weight: Tensor, scale: Tensor, share: float | str, block: int
             ) -> Iterator[tuple[int, Tensor]]:
    """Yield a first column and the mask from there on; `weight` changes from one to the next."""
    width = 4 if share == "2:4" else block
    zeros = 0
    for column in range(0, weight.shape[1], width):
        scores = (weight[:, column:column + width] / scale[column:column + width]).square()
        if share == "2:4":
            smallest = scores.argsort(dim=1, stable=True)[:, :2]
            yield column, torch.ones_like(scores, dtype=torch.bool).scatter(1, smallest, False)
            continue
        wanted = round(share * weight[:, :column + width].numel()) - zeros
        chosen = keep_top(scores, wanted / scores.numel())
        zeros += int((~chosen).sum())
        yield column, chosen
