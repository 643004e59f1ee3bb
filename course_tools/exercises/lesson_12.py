"""Exercises of lesson 12, nothing retrained."""

import torch
from torch import Tensor, nn

from course_lib.masks import Masks, keep_top, magnitude_masks, masked, random_masks, sparsity
from course_lib.surgery import refit

from course_tools.exercises.kinds import Exercise, Quiz


def saliency(weight: Tensor, gradients: Tensor) -> Tensor:
    """Return half the mean squared gradient times the squared weight, one number a weight."""
    curvature = gradients.square().mean(0)
    return 0.5 * curvature * weight.square()


def surgeon(weight: Tensor, hessian: Tensor, q: int) -> Tensor:
    """Return the weights after weight q has gone and the others have paid for it."""
    inverse = torch.linalg.inv(hessian)
    return weight - weight[q] / inverse[q, q] * inverse[q]


def refit_row(inputs: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    """Return one row with the survivors fitted to what the whole row said, and zeros elsewhere."""
    fitted = torch.linalg.lstsq(inputs[:, mask], (inputs @ weight)[:, None]).solution
    new = torch.zeros_like(weight)
    new[mask] = fitted[:, 0]
    return new


def wanda_mask(weight: Tensor, inputs: Tensor, sparsity: float) -> Tensor:
    """Return a mask that keeps in each row the largest of |weight| · norm of its input."""
    scores = weight.abs() * inputs.norm(dim=0)
    return torch.stack([keep_top(row, sparsity) for row in scores])


def crossed(model: nn.Module, theirs: Masks, inputs: Tensor) -> dict[str, nn.Module]:
    """Return the two networks that tell a method's mask from its values."""
    budgets = {name: 1 - float(mask.double().mean()) for name, mask in theirs.items()}
    by_size = magnitude_masks(model, budgets)
    return {"their mask, old values": masked(model, theirs),
            "magnitude's mask, new values": refit(model, by_size, inputs)}


def _pair(first: nn.Module, second: nn.Module) -> dict[str, nn.Module]:
    return {"their mask, old values": first, "magnitude's mask, new values": second}


def _by_size(model: nn.Module, theirs: Masks) -> Masks:
    return magnitude_masks(model, {name: 1 - float(mask.double().mean())
                                   for name, mask in theirs.items()})


def _correction(inputs: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    """Fit only what the removed weights said."""
    return refit_row(inputs, weight * ~mask, mask)


def _one_factor(inputs: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    wanted, now = inputs @ weight, inputs @ (weight * mask)
    return weight * mask * (wanted @ now) / (now @ now)


def _small(seed: int, shares: dict[str, float]) -> tuple[nn.Module, Masks, Tensor]:
    """Return a network of two layers, masks of these shares, and inputs that are correlated."""
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)).eval()
    for part in model.parameters():
        part.data = torch.randn(part.shape, generator=generator)
    mix = torch.randn(6, 6, generator=generator)
    return (model, random_masks(model, shares, seed=seed),
            torch.randn(60, 6, generator=generator) @ mix)


EXERCISES = (
    Quiz(
        "12.1", "Who pays?", 2, 2,
        answer=0.36,
        tolerance=0.015,
        mistakes={
            0.2: "That is 1 − 0.8. Take the error at its lowest point, and divide it by the error "
                 "with w2 as it was.",
            0.64: "That is the part that w2 pays. What is left?",
            0.6: "That is its square root. The error is a square already.",
            0.065: "That is the error itself, at the lowest point. As a share of 0.180 it is?",
            0.8: "That is the likeness. Drag w2 until the error is lowest, and read it.",
        },
        idea="the lowest error that the slider finds, divided by the one with w2 as it was",
        hints=("Set likeness to 0.80 and drag w2 to and fro: where is the error lowest?",
               "It is lowest near w2 = 0.98. Divide the error there by 0.180."),
        right="1 − 0.8²: the better the others can speak for a weight, the less it costs.",
        why="With the first change −w1, the error is ½(w1² − 2·0.8·w1·d + d²) for a change d of "
            "w2. It is lowest at d = 0.8·w1, and there it is ½·w1²·(1 − 0.8²).",
    ),
    Quiz(
        "12.2", "The same mask", 1, 1,
        answer="d",
        choices={"a": "about 80 %, as before: the mask is the same",
                 "b": "about 85 %", "c": "about 92 %", "d": "more than 96 %"},
        mistakes={
            "a": "The mask is the same, the values are not.",
            "b": "It is more. Most of what a removed weight said, others can say.",
            "c": "It is more still, though not one label is used.",
        },
        idea="how many other inputs of a neuron say nearly what a removed one said",
        hints=("In lesson 01, a fifth of the directions held most of what a layer's outputs do.",
               "So the inputs that are left can speak for nearly all of those that went."),
        right="No label, no gradient. The mask was good; it was the old values that were not.",
        why="Neighbouring pixels, and neurons that read them, say much the same. So what a removed "
            "weight carried can nearly always be had from those that stayed, at other values.",
    ),
    Exercise(
        "12.3", "Price list", 1, 3,
        reference=saliency,
        cases=lambda: [
            (torch.tensor([0.5, -2.0, 1.0]), torch.tensor([[1.0, 0.2, -3.0], [-1.0, 0.4, 1.0]])),
            (torch.tensor([[1.0, 3.0], [-0.1, 0.5]]),
             torch.tensor([[[2.0, 1.0], [4.0, -1.0]], [[-1.0, 0.0], [5.0, 2.0]],
                           [[0.0, 2.0], [1.0, 2.0]]]))],
        mistakes={
            "Gradients of opposite signs cancel there: first the square, then the mean.":
                lambda weight, gradients: 0.5 * gradients.mean(0).square() * weight.square(),
            "The half is missing: it comes from the expansion.":
                lambda weight, gradients: gradients.square().mean(0) * weight.square(),
            "The change is squared in the second order, and the change is the whole weight.":
                lambda weight, gradients: 0.5 * gradients.square().mean(0) * weight.abs(),
            "That is the first order: gradient times weight. The second order is asked for.":
                lambda weight, gradients: (gradients * weight).abs().mean(0),
            "That adds up over the images; F is a mean.":
                lambda weight, gradients: 0.5 * gradients.square().sum(0) * weight.square(),
        },
        idea="½ · F · w², F the mean over images of the squared gradient",
        hints=("gradients has one gradient for each image, along dimension 0.",
               "Square them, then take the mean over the images: that is F.",
               "Half of it, times the weight squared, place by place."),
        right="That is fisher_scores, for one layer.",
        why="The expansion's second term is ½ · curvature · change². A removed weight changes by "
            "minus itself, and the mean squared gradient stands in for the curvature.",
    ),
    Exercise(
        "12.4", "The surgeon's step", 2, 5,
        reference=surgeon,
        cases=lambda: [
            (torch.tensor([0.6, 0.5]), torch.tensor([[1.0, 0.8], [0.8, 1.0]]), 0),
            (torch.tensor([1.0, -2.0, 0.5]),
             torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.5], [1.0, 0.5, 2.0]]), 2),
            (torch.tensor([0.3, 0.7, -0.4]),
             torch.tensor([[4.0, 1.0, 0.0], [1.0, 2.0, -1.0], [0.0, -1.0, 3.0]]), 1)],
        mistakes={
            "That sets weight q to zero and lets nobody pay: Optimal Brain Damage.":
                lambda weight, hessian, q: torch.where(
                    torch.arange(len(weight)) == q, 0.0, weight),
            "That takes a row of H. It is a row of its inverse that says who pays.":
                lambda weight, hessian, q: weight - weight[q] / hessian[q, q] * hessian[q],
            "Weight q does not come out as zero: the division by [H⁻¹]qq is missing.":
                lambda weight, hessian, q: weight - weight[q] * torch.linalg.inv(hessian)[q],
            "The others move the wrong way: weight q has to end at zero, not at twice its value.":
                lambda weight, hessian, q: 2 * weight - surgeon(weight, hessian, q),
            "That is the change alone. Add it to the weights.":
                lambda weight, hessian, q: surgeon(weight, hessian, q) - weight,
        },
        idea="δ = −w_q / [H⁻¹]_qq · H⁻¹e_q, where H⁻¹e_q is row q of the inverse",
        hints=("torch.linalg.inv gives the inverse. Which of its rows belongs to weight q?",
               "Scale that row so that its entry q is w_q; then subtract it from the weights.",
               "weight[q] divided by entry (q, q) of the inverse, times row q of it."),
        right="Weight q is zero, and the others have made it as cheap as it can be.",
        why="H is symmetric, so H⁻¹e_q is row q of the inverse as well as its column q. Divided "
            "by its entry q and multiplied by w_q, it takes weight q exactly to zero.",
    ),
    Exercise(
        "12.5", "Refit a row", 2, 4,
        reference=refit_row,
        cases=lambda: [
            (torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [2.0, 2.0, 0.0]]),
             torch.tensor([0.4, 0.6, -0.5]), torch.tensor([False, True, True])),
            (torch.tensor([[1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 1.0, 3.0], [2.0, 4.0, 1.0, 0.0],
                           [1.0, 0.0, 0.0, 1.0], [0.0, 2.0, 1.0, 1.0]]),
             torch.tensor([1.0, -0.5, 0.3, 0.8]), torch.tensor([True, False, True, False]))],
        mistakes={
            "Those are the old values of the survivors. What they are to say is what the whole row "
            "said before.": lambda inputs, weight, mask: weight * mask,
            "That fits only what the removed weights said; the survivors have their own part to "
            "say as well.": _correction,
            "One factor for all survivors is a fit with one number. Each is to have a value of its "
            "own.": _one_factor,
            "There the removed inputs pay and the survivors are zero: True keeps.":
                lambda inputs, weight, mask: refit_row(inputs, weight, ~mask),
            "The zeros are missing: return the whole row, as long as before.":
                lambda inputs, weight, mask: refit_row(inputs, weight, mask)[mask],
        },
        idea="least squares: which columns may speak, and what they are to say together",
        hints=("Together the survivors' columns, inputs[:, mask], are to give what the row gave "
               "before: inputs @ weight.",
               "torch.linalg.lstsq(A, B).solution is the x of least |A·x − B|²; B must have two "
               "dimensions, so (inputs @ weight)[:, None].",
               "Begin with a row of zeros, and set new[mask] to the solution's only column."),
        right="All rows of all layers like this, and a little damping: that is refit.",
        why="The target is what the dense row said on these inputs. Least squares gives the values "
            "of the survivors that come nearest to it; the others stay zero.",
    ),
    Exercise(
        "12.6", "Within a row", 2, 3,
        reference=wanda_mask,
        cases=lambda: [
            (torch.tensor([[0.9, -0.5, 0.2, 0.4], [0.1, 0.06, -0.08, 0.02]]),
             torch.tensor([[1.0, 2.0, 3.0, 0.0], [1.0, 0.0, -3.0, 2.0]]), 0.5),
            (torch.tensor([[2.0, -1.0, 0.3, 0.5], [0.2, 0.1, 0.4, -0.3], [5.0, 4.0, -6.0, 7.0]]),
             torch.tensor([[0.0, 3.0, 2.5, 1.0], [0.0, 0.0, 2.5, -1.0], [3.1, 0.0, 2.5, 1.0]]),
             0.25),
            (torch.tensor([[1.0, 1.1, 0.9, 1.05]]),
             torch.tensor([[3.0, 2.0, 0.1, 1.0], [0.0, 2.0, 0.1, 1.0]]), 0.75)],
        mistakes={
            "All rows compete there, and one with small weights comes out empty.":
                lambda weight, inputs, sparsity: keep_top(
                    weight.abs() * inputs.norm(dim=0), sparsity),
            "That is magnitude within a row; the inputs are not asked.":
                lambda weight, inputs, sparsity: torch.stack(
                    [keep_top(row, sparsity) for row in weight.abs()]),
            "Inputs of opposite signs cancel in a mean. A norm squares them first.":
                lambda weight, inputs, sparsity: torch.stack(
                    [keep_top(row, sparsity) for row in weight.abs() * inputs.mean(0).abs()]),
            "That is the mean size of the inputs. The L2 norm counts large ones for more.":
                lambda weight, inputs, sparsity: torch.stack(
                    [keep_top(row, sparsity) for row in weight.abs() * inputs.abs().mean(0)]),
            "That mask is True where a weight goes. True keeps.":
                lambda weight, inputs, sparsity: ~wanda_mask(weight, inputs, sparsity),
        },
        idea="|w| · ‖x‖, compared with the others of the same row only",
        hints=("inputs.norm(dim=0) is one number for each input: its L2 norm over the images.",
               "Multiply the magnitudes by it: each column has its own factor.",
               "keep_top chooses within what it is given: give it one row after another, and "
               "torch.stack the masks."),
        right="That is wanda_scores and row_masks, for one layer.",
        why="The score is what a weight carries, as an L2 norm over the images. Each row gives up "
            "the same share, since each row is one neuron with an error of its own.",
    ),
    Exercise(
        "12.7", "Mask or values?", 3, 6,
        reference=crossed,
        cases=lambda: [_small(1, {"0": 0.5, "2": 0.25}), _small(2, {"0": 0.3, "2": 0.6})],
        mistakes={
            "Their mask is refitted in the first network: then both its mask and its values are "
            "new, and it tells nothing apart.":
                lambda model, theirs, inputs: _pair(
                    refit(model, theirs, inputs), refit(model, _by_size(model, theirs), inputs)),
            "The second network has their mask. It is to have magnitude's.":
                lambda model, theirs, inputs: _pair(
                    masked(model, theirs), refit(model, theirs, inputs)),
            "The second network has magnitude's old values, which is known already. A refit gives "
            "them back as well if it begins from the network already cut.":
                lambda model, theirs, inputs: _pair(
                    masked(model, theirs), masked(model, _by_size(model, theirs))),
            "Magnitude got the same sparsity in all, but not the same budget in each layer. Then a "
            "third thing differs.": lambda model, theirs, inputs: _pair(
                masked(model, theirs),
                refit(model, magnitude_masks(model, sparsity(theirs)), inputs)),
            "The two networks stand under each other's names.":
                lambda model, theirs, inputs: _pair(
                    refit(model, _by_size(model, theirs), inputs), masked(model, theirs)),
        },
        idea="each network differs from plain magnitude in one thing alone",
        hints=("Four networks make the experiment: two masks, each with old and with new values. "
               "Two are known, plain magnitude and theirs. Which two are missing?",
               "Magnitude's mask has to keep as many weights in each layer as theirs does: "
               "magnitude_masks takes {layer: share of zeros}.",
               "masked(model, theirs) is one; the other is refit(model, …, inputs) with "
               "magnitude's masks in their budgets."),
        right="Now only one thing differs at a time, and you can say which of the two it was.",
        why="Their network differs from magnitude's in mask and in values. With their mask and old "
            "values only the mask differs, with magnitude's mask and new values only the values "
            "do, as long as the layers' budgets are the same.",
    ),
)
