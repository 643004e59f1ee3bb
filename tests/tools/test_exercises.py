"""Every exercise: the reference passes, the stub is untouched, mistakes get their own message."""

import copy
import itertools
import math
import re

import nbformat
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course_lib.masks import apply_masks, keep_top, magnitude_masks
from course_lib.models import prunable_layers
from course_lib.surgery import refit

from course_tools.checks.judge import calls, judge, judged, same_calls
from course_tools.exercises import all_exercises, find, lesson_of, of_lesson
from course_tools.exercises.kinds import Exercise, Project, Quiz, written
from course_tools.lessons import notebooks
from course_tools.lessons.notebooks import exercise_cells

EVERY = list(all_exercises().values())
FUNCTIONS = [one for one in EVERY if isinstance(one, Exercise)]
QUIZZES = [one for one in EVERY if isinstance(one, Quiz)]
PROJECTS = [one for one in EVERY if isinstance(one, Project)]  # judged in test_capstone
every = pytest.mark.parametrize("exercise", EVERY, ids=lambda one: one.number)
functions = pytest.mark.parametrize("exercise", FUNCTIONS, ids=lambda one: one.number)
coded = pytest.mark.parametrize("exercise", FUNCTIONS + PROJECTS, ids=lambda one: one.number)
quizzes = pytest.mark.parametrize("quiz", QUIZZES, ids=lambda one: one.number)


def share_in_a_loop(numbers):
    zeros = 0
    for number in numbers.flatten().tolist():
        zeros += number == 0
    return zeros / numbers.numel()


def report_in_a_loop(validation, test):
    best = 0
    for place, accuracy in enumerate(validation.tolist()):
        best = place if accuracy > validation[best] else best
    return best, test.tolist()[best]


def merged_by_product(next_weight, next_bias, stays, goes, scale, shift):
    speaks = torch.eye(next_weight.shape[1], dtype=torch.float64)
    speaks[goes] = 0
    speaks[goes, stays] = scale
    return [next_weight.double() @ speaks, next_bias + shift * next_weight[:, goes]]


def keep_top_by_places(scores, sparsity):
    flat = scores.flatten().tolist()
    order = sorted(range(len(flat)), key=lambda place: (flat[place], place))
    going = set(order[:round(sparsity * len(flat))])
    return torch.tensor([place not in going for place in range(len(flat))]).reshape(scores.shape)


def rounds_by_hand(shares):
    gone = 0
    for share in shares:
        gone += (1 - gone) * share
    return torch.tensor(gone, dtype=torch.float64)


def keep_row_by_row(weight, k):
    mask = torch.zeros(weight.shape, dtype=torch.bool)
    for row, values in zip(mask, weight, strict=True):
        row[values.abs().argsort(descending=True)[:k]] = True  # another order among equals
    return mask


def budget_by_means(masks):
    found = {}
    for name in reversed(masks):
        found[name] = 1 - masks[name].double().mean()
    return found


def remove_by_mask(w1, b1, w2, gone):
    stays = torch.ones(len(b1), dtype=torch.bool)
    stays[gone] = False
    return [w1[stays], b1[stays], w2.T[stays].T]


def favourite_share_in_a_loop(outputs, labels):
    shares = []
    for column in outputs.double().T:
        said = {}
        for value, label in zip(column.tolist(), labels.tolist(), strict=True):
            said[label] = said.get(label, 0) + value
        shares.append(max(said.values()) / sum(said.values()))
    return torch.tensor(shares)


def fold_in_a_loop(bias, gone, next_weight, next_bias):
    folded = next_bias.double()
    for k in gone:
        folded = folded + next_weight[:, k].double() * max(0.0, float(bias[k]))
    return folded


def remove_by_cat(parts, k):
    def without(values, dim):
        return torch.cat([values.narrow(dim, 0, k),
                          values.narrow(dim, k + 1, values.shape[dim] - k - 1)], dim)

    left = {}
    for name in reversed(parts):  # another order of names
        left[name] = (parts[name] if name == "next.bias" else
                      without(parts[name], 1 if name == "next.weight" else 0))
    return left


def threshold_by_hand(weight, mask, quality):
    kept = [value for value, stays in zip(weight.flatten(), mask.flatten(), strict=True) if stays]
    mean = sum(kept) / len(kept)
    return quality * (sum((value - mean) ** 2 for value in kept) / len(kept)) ** 0.5


def two_of_four_in_a_loop(weight):
    mask = torch.zeros(weight.shape, dtype=torch.bool)
    for row, values in zip(mask, weight.abs().tolist(), strict=True):
        for start in range(0, len(values), 4):
            best = sorted(range(start, start + 4), key=values.__getitem__)[2:]
            row[best] = True
    return mask


def loop_that_zeroes(weight, retrain, qualities):
    pruned, shares = torch.zeros(weight.shape, dtype=torch.bool), []
    for quality in qualities:
        pruned = pruned | (weight.abs() < threshold_by_hand(weight, ~pruned, quality))
        weight = retrain(weight.masked_fill(pruned, 0.0), ~pruned)
        shares.append(1 - pruned.double().mean())
    return [weight, shares]


def prune_with_a_new_optimizer(model, sparsity, batches):
    model, masks = copy.deepcopy(model), {}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step, (images, labels) in enumerate(batches):
        if step == len(batches) // 2:
            masks = magnitude_masks(model, sparsity)
            apply_masks(model, masks)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        for name, mask in masks.items():
            prunable_layers(model)[name].weight.grad *= mask
        optimizer.step()
    return model


def retrain_last_without_decay(model, batches):
    model = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0)
    for images, labels in batches:
        optimizer.zero_grad()
        cross_entropy(model(images), labels).backward()
        for layer in list(prunable_layers(model).values())[:-1]:
            layer.weight.grad = layer.bias.grad = None
        optimizer.step()
    return model


def smaller_by_state(conv, norm, keep):
    small = nn.Conv2d(conv.in_channels, len(keep), conv.kernel_size, padding=conv.padding,
                      bias=conv.bias is not None)
    small.load_state_dict({name: values[keep] for name, values in conv.state_dict().items()})
    slim = nn.BatchNorm2d(len(keep))
    slim.load_state_dict({name: values[keep] if values.dim() else values
                          for name, values in norm.state_dict().items()})
    return small.eval(), slim.eval()


def global_masks_in_a_loop(weights, sparsity):
    rivals, masks = [], {}
    for name, weight in weights.items():
        order = weight.abs().flatten().argsort(descending=True)
        safe = len(order) - round(0.95 * len(order))
        masks[name] = torch.ones(weight.shape, dtype=torch.bool)
        rivals += [(abs(weight.flatten()[place]), name, place) for place in order[safe:].tolist()]
    everything = sum(weight.numel() for weight in weights.values())
    for _, name, place in sorted(rivals)[:round(sparsity * everything)]:
        masks[name].view(-1)[place] = False
    return masks


def choice_in_a_loop(candidates, bound):
    for each in sorted(candidates, key=lambda each: each["nonzero"]):
        if each["validation"] <= bound:
            return [each["nonzero"], each["test"]]
    return None


def keep_largest_by_places(weight, sparsity):
    return keep_top_by_places(weight.abs(), sparsity)


def is_right_by_counting(prune):
    model = nn.Sequential(nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 5))
    before = [values.clone() for values in model.state_dict().values()]
    pruned = prune(model, 0.8)
    sizes = torch.cat([before[0].abs().flatten(), before[2].abs().flatten()])
    threshold = sizes.sort().values[round(0.8 * len(sizes))]
    wanted = [values * (values.abs() >= threshold) if values.dim() > 1 else values
              for values in before]
    return all(map(torch.equal, model.state_dict().values(), before)) and all(
        map(torch.equal, pruned.state_dict().values(), wanted))


def compression_in_a_loop(weights, kept):
    everything = left = 0
    for name in weights:
        everything += weights[name]
        left += weights[name] * kept[name]
    return everything / left


def coupled_by_growing(name, sums):
    found, left = [name], list(sums)
    for layer in found:  # grows on the way
        found += [other for pair in left if layer in pair for other in pair if other not in found]
    return tuple(sorted(found))


def same_block_in_a_loop(removed, zeroed, k):
    maps = list(zeroed.unbind(dim=1))
    if maps.pop(k).abs().max() > 0:
        return False
    return all((one - other).abs().max() < 1e-4 for one, other in zip(
        removed.unbind(dim=1), maps, strict=True))


def sizes_by_name(state):
    found = {}
    for name in reversed(state):
        if "norm" not in name and name.endswith("weight"):
            outputs, inputs, *_ = state[name].shape
            found[name[:-len(".weight")]] = [outputs, inputs]
    return found


def count_drop_in_a_loop(before, after, labels):
    lost = gained = 0
    for was, now, label in zip(before, after, labels, strict=True):
        lost += int(was == label and now != label)
        gained += int(was != label and now == label)
    return np.float64(lost - gained) / len(labels), lost, gained


def search_bound_downwards(networks, limit, candidates, enough):
    for candidate in sorted(candidates, reverse=True):
        within = 0
        for rows in networks:
            fitting = sorted((row for row in rows if row[1] <= candidate), key=lambda row: row[0])
            within += fitting[0][2] <= limit
        if within >= enough:
            return candidate
    return None


def shares_by_first_miss(scan, sparsities, loss):
    kept = {name: torch.tensor(accuracies, dtype=torch.float64)
            for name, accuracies in scan.items()}
    return {name: sparsities[int((values[0] - values <= loss).long().cumprod(0).sum()) - 1]
            for name, values in kept.items()}


def regrown_in_a_loop(mask, weight, threshold):
    new = [abs(value) >= threshold * (0.9 if there else 1.1)
           for there, value in zip(mask.flatten().tolist(), weight.flatten().tolist(), strict=True)]
    return torch.tensor(new).reshape(mask.shape)


def refit_by_normal_equations(inputs, weight, mask):
    stay = mask.nonzero().flatten()
    columns = inputs[:, stay].double()
    values = torch.linalg.solve(columns.T @ columns, columns.T @ (inputs @ weight).double())
    return torch.zeros(len(weight)).index_put((stay,), values.float())


def wanda_in_a_loop(weight, inputs, sparsity):
    mask = torch.ones(weight.shape, dtype=torch.bool)
    for row, kept in zip(weight, mask, strict=True):
        scores = [abs(float(w)) * float((x ** 2).sum()) ** 0.5
                  for w, x in zip(row, inputs.T, strict=True)]
        for place in sorted(range(len(scores)), key=scores.__getitem__)[
                :round(sparsity * len(scores))]:
            kept[place] = False
    return mask


def crossed_by_counts(model, theirs, inputs):
    masks = {}
    for name, layer in prunable_layers(model).items():
        order = layer.weight.detach().abs().flatten().argsort(descending=True)
        masks[name] = torch.zeros(len(order), dtype=torch.bool)
        masks[name][order[:int(theirs[name].sum())]] = True
        masks[name] = masks[name].view_as(layer.weight)
    old = copy.deepcopy(model)
    apply_masks(old, theirs)
    return {"magnitude's mask, new values": refit(model, masks, inputs),
            "their mask, old values": old}


ALTERNATIVES = {  # right, and written in another way: a loop, another type, another order
    "0.2": [share_in_a_loop, lambda numbers: (numbers == 0).double().mean().item()],
    "0.6": [report_in_a_loop,
            lambda validation, test: (validation.argmax(), test[validation.argmax()])],
    "1.4": [merged_by_product],
    "1.5": [lambda m, n: (m * n - 1) // (m + n),
            lambda m, n: torch.tensor(math.ceil(m * n / (m + n)) - 1)],
    "1.6": [lambda outputs: (outputs.count_nonzero(0) == 0).sum().float(),
            lambda outputs: sum(float(column.abs().max()) == 0 for column in outputs.T)],
    "1.7": [lambda held, share: next(k for k, part in enumerate(held.tolist(), 1) if part >= share),
            lambda held, share: torch.searchsorted(held, share) + 1],
    "2.1": [keep_top_by_places],
    "2.3": [rounds_by_hand],
    "2.4": [lambda weight, inputs: (weight[None] * inputs[:, None]).abs().mean(0)],
    "2.5": [keep_row_by_row],
    "2.6": [budget_by_means],
    "3.5": [remove_by_mask],
    "3.6": [lambda outputs, gradients: (outputs.abs() * gradients.abs()).double().mean(0)],
    "3.7": [favourite_share_in_a_loop],
    "3.8": [fold_in_a_loop],
    "4.2": [lambda weight: torch.stack([part.norm(1) for part in weight.transpose(0, 1)]).double()],
    "4.3": [remove_by_cat],
    "4.4": [lambda weight, c, pixels: torch.cat(
        [weight[:, :c * pixels], weight[:, (c + 1) * pixels:]], dim=1)],
    "4.6": [lambda macs, small_macs, epochs, again: int(
                (epochs * macs + again * small_macs) / small_macs + 0.5)],
    "5.3": [lambda weight, mask, quality: ~((weight.abs() < threshold_by_hand(
        weight, mask, quality)) | ~mask)],
    "5.4": [loop_that_zeroes],
    "5.5": [compression_in_a_loop],
    "6.4": [count_drop_in_a_loop],
    "6.5": [lambda share, bound: math.ceil(share / (bound / 1.96) ** 2),
            lambda share, bound: int(share * 1.96 ** 2 / bound ** 2) + 1],
    "6.6": [search_bound_downwards],
    "6.7": [shares_by_first_miss],
    "7.5": [lambda nonzeros, rows: nonzeros * 4 + nonzeros * 2 + (rows + 1) * 4],
    "7.6": [lambda gaps, bits: len(gaps) + sum(gap >> bits for gap in gaps)],
    "7.7": [two_of_four_in_a_loop],
    "7.8": [lambda dense, sparse: next((share for share in dense if all(
        sparse[key] < dense[key] for key in dense if key >= share)), None)],
    "8.1": [prune_with_a_new_optimizer],
    "8.2": [retrain_last_without_decay],
    "8.3": [smaller_by_state],
    "8.4": [global_masks_in_a_loop],
    "8.5": [lambda weight, sparsity: keep_top(weight.abs(), sparsity), keep_largest_by_places],
    "8.6": [choice_in_a_loop],
    "8.7": [lambda rounds, target: max(
        (each for each in rounds if each["sparsity"] >= target),
        key=lambda each: each["accuracy"], default=None)],
    "8.8": [is_right_by_counting],
    "9.1": [lambda sparsity, wanted: 1 - (1 - wanted) / (1 - sparsity),
            lambda sparsity, wanted: np.float32(wanted - sparsity) / np.float32(1 - sparsity)],
    "9.5": [coupled_by_growing],
    "9.6": [same_block_in_a_loop],
    "9.8": [sizes_by_name],
    "11.2": [lambda rate, mask: rate * math.sqrt(mask.sum() / mask.numel())],
    "11.3": [regrown_in_a_loop,
             lambda mask, weight, threshold: weight.abs() > threshold * (1.1 - 0.2 * mask)],
    "11.4": [lambda errors, step: sum(
        each if step in steps else -each for steps, each in errors.items()) / (len(errors) / 2)],
    "11.6": [lambda first, second: torch.tensor(
        [int(row.sum()) + int(column.sum()) for row, column in zip(first, second.T, strict=True)
         if row.any() and column.any()]).sum() + 0],
    "12.3": [lambda weight, gradients: sum((g * weight) ** 2 for g in gradients)
             / (2 * len(gradients))],
    "12.4": [lambda weight, hessian, q: weight - weight[q] * torch.linalg.solve(
        hessian, torch.eye(len(weight))[q]) / torch.linalg.inv(hessian)[q, q]],
    "12.5": [refit_by_normal_equations],
    "12.6": [wanda_in_a_loop],
    "12.7": [crossed_by_counts],
    "13.2": [lambda weight, head, width: torch.cat(
        [weight[:, :head * width], weight[:, (head + 1) * width:]], 1)],
    "13.3": [lambda before, after: [
        sum(b - a for a, b in zip(before, after, strict=True)) / len(before),
        ((after - before).double().var() / len(before)) ** 0.5]],
    "13.4": [lambda signal: (sorted((signal ** 2).mean(0).tolist())[-1]
                             / float((signal ** 2).mean(0).median())) ** 0.5],
    "13.5": [lambda over_all, alike, block: {
        "only there": {name: (over_all if name.split(".")[1] == str(block) else alike)[name]
                       for name in alike},
        "everywhere but there": {
            name: (alike if name.split(".")[1] == str(block) else over_all)[name]
            for name in alike}}],
}


def test_there_are_enough():
    numbers = [one.number for one in EVERY]
    assert len(set(numbers)) == len(numbers)
    for lesson in {lesson_of(number) for number in numbers} - {"00"}:
        asked = [one for one in of_lesson(lesson) if not isinstance(one, Quiz)]
        assert len(asked) >= (3 if lesson < "08" else 1)
        assert [one.number for one in of_lesson(lesson)] == [
            f"{int(lesson)}.{place}" for place in range(1, len(of_lesson(lesson)) + 1)]


def test_an_unknown_number_is_refused():
    with pytest.raises(ValueError, match=r"number is '99.1'; allowed is one of 0.1, 0.2, 0.3"):
        find("99.1")


@functions
def test_the_reference_is_right(exercise):
    verdict = judge(exercise, exercise.reference)
    assert (verdict.state, verdict.text) == ("right", exercise.right)


@functions
def test_an_untouched_stub_is_not_attempted(exercise):
    assert judge(exercise, lambda *arguments: ...).state == "not attempted yet"
    if exercise.broken:
        assert repr(judge(exercise, exercise.broken)) == "○ not attempted yet"


@functions
def test_other_right_answers_are_right(exercise):
    assert ALTERNATIVES[exercise.number]
    for answer in ALTERNATIVES[exercise.number]:
        assert repr(judge(exercise, answer)) == f"✓ right: {exercise.right}"


@functions
def test_each_mistake_is_turned_away_with_its_own_message(exercise):
    assert 3 <= len(exercise.mistakes) <= 7
    for message, mistake in exercise.mistakes.items():
        verdict = judge(exercise, mistake)
        assert verdict.state == "not yet"
        assert verdict.text.startswith(f"for {exercise.name}(")
        assert verdict.text.endswith(f". {message}")


@functions
def test_the_cases_tell_mistakes_apart(exercise):
    done = [judged(exercise, function)
            for function in (exercise.reference, *exercise.mistakes.values())]
    for one, other in itertools.combinations(done, 2):
        assert not same_calls(one, other)


@functions
def test_the_reference_leaves_its_input_alone_and_cases_stay_the_same(exercise):
    assert not any(call.changed for call in calls(exercise.reference, exercise.cases()))
    expected = calls(exercise.reference, exercise.cases())
    for mistake in exercise.mistakes.values():
        calls(mistake, exercise.cases())
    assert same_calls(expected, calls(exercise.reference, exercise.cases()))


@functions
@pytest.mark.parametrize("nonsense", [
    None, "a word", 7, float("nan"), torch.full((2, 2), float("nan")), torch.zeros(3, 1, 4), [1, 2],
    {"a": 1}, np.zeros(3), object(), torch.zeros(2, dtype=torch.complex64), True],
    ids=lambda nonsense: re.sub(" at 0x.*", "", str(nonsense)))
def test_nonsense_is_a_verdict_of_one_line(exercise, nonsense):
    verdict = judge(exercise, lambda *arguments: nonsense)
    assert verdict.state == "not yet"
    assert " at 0x" not in repr(verdict)
    assert "\n" not in repr(verdict)


@quizzes
def test_a_quiz_knows_its_answer_and_something_for_each_wrong_one(quiz):
    assert judge(quiz, quiz.answer).text == quiz.right
    assert judge(quiz, ...).state == "not attempted yet"
    assert set(quiz.choices) - {quiz.answer} <= set(quiz.mistakes)
    assert len(quiz.mistakes) >= 2
    for wrong, message in quiz.mistakes.items():
        assert (judge(quiz, wrong).state, judge(quiz, wrong).text) == ("not yet", message)
    for nonsense in ("z", None, 3 + 4j, [quiz.answer], 12345.6, print):
        assert judge(quiz, nonsense).state == "not yet"


@every
def test_it_says_what_it_has_to_say(exercise):
    assert 1 <= exercise.difficulty <= 3
    assert 1 <= exercise.minutes <= 30
    assert len(exercise.hints) >= 2
    said = [*exercise.hints, exercise.right, exercise.why, *(
        exercise.mistakes.values() if isinstance(exercise, Quiz) else exercise.mistakes)]
    assert len(set(said)) == len(said)
    assert all(sentence.endswith((".", "?")) for sentence in said)
    assert not exercise.idea.endswith(".")


# In the lessons

def lesson(exercise):
    path, = notebooks.find_lessons(f"{int(exercise.number.split('.')[0]):02}")
    return nbformat.read(path, as_version=4)


@every
def test_its_lesson_has_its_cells_and_states_the_same(exercise):
    notebook = lesson(exercise)
    *stub, last = exercise_cells(notebook, exercise.number)
    assert "○ not attempted yet" in last.outputs[0].data["text/plain"]
    prose = " ".join(" ".join(cell.source for cell in notebook.cells
                              if cell.cell_type == "markdown").split())
    kind = "Quiz" if isinstance(exercise, Quiz) else "Exercise"
    minutes = f"{exercise.minutes} minute{'s' if exercise.minutes > 1 else ''}"
    assert re.search(rf"\*\*{kind} {exercise.number}\*\*\W+difficulty {exercise.difficulty} of 3, "
                     rf"{minutes}\b", prose)
    if not isinstance(exercise, Quiz):
        assert f'check("{exercise.number}", {exercise.name})' in last.source
    if isinstance(exercise, Project):
        assert stub[-1].source == f"{exercise.name} = ..."
    elif getattr(exercise, "broken", None):
        assert "\n".join(written(exercise, exercise.broken)) in [cell.source for cell in stub]
    elif isinstance(exercise, Exercise):
        assert re.search(rf"def {exercise.name}\(.*\):\n    return \.\.\.$", stub[-1].source)


@coded
def test_nothing_else_in_its_lesson_uses_the_answer(exercise):
    cells = exercise_cells(lesson(exercise), exercise.number)
    used = sum(exercise.name in cell.source for cell in lesson(exercise).cells
               if cell.cell_type == "code")
    assert used == sum(exercise.name in cell.source for cell in cells)
    assert used == 2 or exercise.broken  # its symptom is shown as well


def telling(line):
    """Return whether a line of a solution says more than its end: it calls, compares or computes.

    `return mask`, `else:` or `left = 1.0` stand in any program.
    """
    code = line.split("  #")[0].strip()
    return not code.startswith(('"""', "#", "def ", "for ")) and bool(
        re.search(r"[(\[*+/@&<>~]|==| - ", code))


def squeezed(text):
    return re.sub(r"\s", "", text)


@coded
def test_no_line_of_its_solution_is_in_a_learners_notebook(exercise):
    handed_out = written(exercise, exercise.broken) if getattr(exercise, "broken", None) else ()
    known = {line.strip() for line in handed_out}
    lines = [line for line in written(exercise) if telling(line) and line.strip() not in known]
    assert lines or handed_out  # to mend a program may be to move a line
    for path in notebooks.find_lessons():
        text = squeezed("\n".join(
            cell.source for cell in nbformat.read(path, as_version=4).cells))
        for line in lines:
            assert squeezed(line.removeprefix("    return ")) not in text, (path.name, line)
