import copy

import pytest
import torch
from chains import random_chain, random_keep
from torch import nn

from course_lib.data import Split
from course_lib.masks import magnitude_masks
from course_lib.models import ARCHITECTURES, lenet_300_100, load_trained, prunable_layers
from course_lib.removal import remove_units, zero_units
from course_lib.training import evaluate, predictions, reestimate_batch_norm, train

OPTIMIZERS = ["adamw", "adam", "sgd"]


def weights(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[key], other[key]) for key in one)


def train_fresh(mnist, name="lenet_300_100", **options):
    model = ARCHITECTURES[name](1)
    losses = train(model, mnist.train[:1500], epochs=1, **options)
    return weights(model), losses


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_same_seed_gives_the_same_weights_bit_for_bit(name, mnist):
    one, losses = train_fresh(mnist, name, seed=5)
    torch.rand(3)  # what torch's own generator has done does not matter
    other, again = train_fresh(mnist, name, seed=5)
    assert same(one, other)
    assert losses == again
    assert not same(one, train_fresh(mnist, name, seed=6)[0])


def test_training_learns_and_reports_each_epochs_loss(mnist):
    model = lenet_300_100()
    losses = train(model, mnist.train[:5000], epochs=3)
    assert len(losses) == 3
    assert losses[0] > losses[1] > losses[2]
    assert evaluate(model, mnist.validation) > 0.85
    assert not model.training


def test_training_agrees_with_a_plain_loop_in_torch(mnist):
    split, ours = mnist.train[:300], lenet_300_100()
    theirs = copy.deepcopy(ours)
    train(ours, split, epochs=2, lr=0.01, batch_size=100, optimizer="sgd", l2=0.1, seed=3)
    stepper = torch.optim.SGD(theirs.parameters(), 0.01, momentum=0.9, weight_decay=0.1)
    torch.manual_seed(3)
    for step, which in enumerate(part for _ in range(2) for part in torch.randperm(300).split(100)):
        stepper.param_groups[0]["lr"] = 0.01 * (1 - step / 6)
        stepper.zero_grad()
        nn.functional.cross_entropy(theirs(split.images[which]), split.labels[which]).backward()
        stepper.step()
    for key, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[key], value)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["lenet_300_100", "lenet_5"])
def test_pruned_weights_stay_exactly_zero_at_every_step(name, optimizer, mnist, monkeypatch):
    model = load_trained(name)
    train(model, mnist.train[:500], epochs=1, optimizer=optimizer)  # momentum to revive them with
    masks = magnitude_masks(model, 0.8)
    before = {key: layer.weight.clone() for key, layer in prunable_layers(model).items()}
    forward, steps = nn.functional.cross_entropy, []

    def watched(outputs, labels):
        steps.append(all(bool((layer.weight[~masks[key]] == 0).all())
                         for key, layer in prunable_layers(model).items()))
        return forward(outputs, labels)

    monkeypatch.setattr("course_lib.training.cross_entropy", watched)
    train(model, mnist.train[:1500], epochs=2, lr=0.01, optimizer=optimizer, masks=masks, l2=0.1,
          l1=1e-5)
    assert steps == [True] * 24
    for key, layer in prunable_layers(model).items():
        assert bool((layer.weight[~masks[key]] == 0).all())
        assert not torch.equal(layer.weight[masks[key]], before[key][masks[key]])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_without_masks_they_come_back(optimizer, mnist):
    model = load_trained("lenet_300_100")
    masks = magnitude_masks(model, 0.8)
    train(model, mnist.train[:1500], epochs=0, masks=masks)
    train(model, mnist.train[:1500], epochs=1, optimizer=optimizer)
    assert bool((model.fc2.weight[~masks["fc2"]] != 0).any())


def test_the_teacher_pulls_towards_its_own_answers(mnist):
    teacher = load_trained("lenet_300_100")
    with torch.no_grad():  # one that says 1 for 0, 2 for 1, ..., by a wide margin
        teacher.fc3.weight.copy_(3 * teacher.fc3.weight.roll(1, 0))
        teacher.fc3.bias.copy_(3 * teacher.fc3.bias.roll(1, 0))
    before, split = weights(teacher), mnist.train[:2000]

    def agreement(guide):
        model = lenet_300_100(2)
        train(model, split, epochs=4, teacher=guide)
        return float((predictions(model, split) == predictions(teacher, split)).float().mean())

    assert agreement(None) < 0.1
    assert agreement(teacher) > 0.5
    assert same(before, weights(teacher))


def test_a_teachers_loss_is_hintons(mnist):
    split, teacher = mnist.train[:64], load_trained("lenet_300_100")
    with torch.no_grad():
        ours, theirs = lenet_300_100(2)(split.images), teacher(split.images)
    soft = (theirs / 2).softmax(1)
    distance = (soft * (soft.log() - (ours / 2).log_softmax(1))).sum(1).mean()
    wanted = 0.5 * nn.functional.cross_entropy(ours, split.labels) + 0.5 * 4 * distance
    loss, = train(lenet_300_100(2), split, epochs=1, teacher=teacher)
    assert loss == pytest.approx(float(wanted), rel=1e-5)


def test_l1_and_l2_make_weights_smaller(mnist):
    def size(**options):
        model = lenet_300_100()
        train(model, mnist.train[:2000], epochs=2, **options)
        return float(model.fc1.weight.detach().abs().sum())

    assert size(l1=1e-3) < 0.9 * size()
    assert size(l2=10.0) < 0.9 * size()


@pytest.mark.parametrize(("options", "message"), [
    ({"epochs": -1}, "epochs is -1; allowed is a whole number, 0 or more"),
    ({"epochs": 1.5}, "epochs is 1.5; allowed is a whole number"),
    ({"lr": 0.0}, "lr is 0.0; allowed is more than 0"),
    ({"lr": float("nan")}, "lr is nan"),
    ({"lr": float("inf")}, "lr is inf"),
    ({"batch_size": 0}, "batch_size is 0; allowed is a whole number, 1 or more"),
    ({"l1": float("inf")}, "l1 is inf"),
    ({"optimizer": "lion"}, "optimizer is 'lion'; allowed is one of adamw, adam, sgd"),
    ({"l1": -1.0}, "l1 is -1.0; allowed is 0 or more"),
    ({"l2": -1.0}, "l2 is -1.0; allowed is 0 or more"),
    ({"masks": {"fc9": torch.ones(1, dtype=torch.bool)}}, "layer in masks is 'fc9'"),
    ({"masks": {"fc1": torch.ones(2, dtype=torch.bool)}}, r"masks\['fc1'\] is 'torch.bool of"),
    ({"masks": {"fc1": None}}, r"masks\['fc1'\] is a NoneType; allowed is a tensor, torch.bool"),
])
def test_bad_input_is_refused_before_anything_changes(options, message, mnist):
    model = lenet_300_100()
    before = weights(model)
    with pytest.raises(ValueError, match=message):
        train(model, mnist.train[:100], **({"epochs": 1} | options))
    assert same(before, weights(model))


def test_an_empty_split_is_refused(mnist):
    for call in (lambda: train(lenet_300_100(), mnist.train[:0], epochs=1),
                 lambda: evaluate(lenet_300_100(), mnist.train[:0])):
        with pytest.raises(ValueError, match=r"len\(split\) is 0; allowed is 1 or more"):
            call()


@pytest.mark.parametrize("name", ["lenet_300_100", "vgg_mini"])
def test_evaluation_agrees_with_a_plain_count_and_changes_nothing(name, mnist):
    model = load_trained(name).train()
    before, split = weights(model), mnist.validation[:1500]
    accuracy = evaluate(model, split)
    assert model.training
    assert same(before, weights(model))
    with torch.no_grad():
        right = (model.eval()(split.images).argmax(1) == split.labels).sum().item()
    assert accuracy == right / 1500
    assert predictions(model, split).shape == (1500,)


def test_long_training_shows_a_bar_only_where_it_is_wanted(mnist, monkeypatch, capsys):
    import tqdm.std

    shown = []
    monkeypatch.setattr("course_lib.training.tqdm",
                        lambda things, **options: shown.append(options["disable"]) or
                        tqdm.std.tqdm(things, **options))
    train(lenet_300_100(), mnist.train[:100], epochs=1)
    monkeypatch.delenv("TQDM_DISABLE")
    train(lenet_300_100(), mnist.train[:100], epochs=1)
    assert shown == [True, False]


@pytest.mark.parametrize("name", ["lenet_5", "vgg_mini"])
def test_an_interrupted_training_leaves_a_whole_model(name, mnist, monkeypatch):
    model, steps = load_trained(name), []
    masks = magnitude_masks(model, 0.9)
    forward = nn.functional.cross_entropy

    def interrupted(outputs, labels):
        steps.append(1)
        if len(steps) == 4:
            model.get_submodule("conv2" if name == "lenet_5" else "conv2_1").weight.data.add_(1.0)
            raise KeyboardInterrupt
        return forward(outputs, labels)

    monkeypatch.setattr("course_lib.training.cross_entropy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(model, mnist.train[:2000], epochs=1, masks=masks)
    assert not model.training
    for key, layer in prunable_layers(model).items():
        assert layer.weight.is_contiguous()
        assert bool((layer.weight[~masks[key]] == 0).all())


@pytest.mark.parametrize("name", ["vgg_mini", "alexnet_mini"])
def test_a_teacher_teaches_in_eval_mode_and_is_left_as_it_was(name, mnist):
    teacher = load_trained(name).train()
    before, split = weights(teacher), mnist.train[:200]
    loss, = train(lenet_300_100(2), split, epochs=1, teacher=teacher)
    assert teacher.training
    assert same(before, weights(teacher))
    assert train(lenet_300_100(2), split, epochs=1, teacher=teacher.eval()) == [loss]


def test_evaluation_restores_each_parts_mode_even_after_an_error(mnist):
    model = load_trained("vgg_mini").train()
    model.norm1_1.eval()  # as one who has frozen a batch norm
    with pytest.raises(RuntimeError):
        predictions(model, type("Odd", (), {"images": torch.zeros(2, 3, 28, 28),
                                            "labels": torch.zeros(2), "__len__": lambda s: 2})())
    for call in (lambda: None, lambda: evaluate(model, mnist.test[:10])):
        call()
        assert model.training
        assert not model.norm1_1.training
        assert model.norm1_2.training if hasattr(model, "norm1_2") else model.norm2_1.training


def test_weights_that_are_no_numbers_are_refused(mnist):
    model = lenet_300_100()
    model.fc1.weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="a value in fc1.weight is nan; allowed is finite"):
        train(model, mnist.train[:100], epochs=1)


def random_split(images, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Split(torch.rand(images, 1, 28, 28, generator=generator),
                 torch.zeros(images, dtype=torch.int64))


def test_batch_norm_is_estimated_anew_as_worked_out_by_hand(mnist):
    """Follow vgg_mini layer by layer: each norm stores averages over four batches of 500."""
    model = load_trained("vgg_mini")
    found = reestimate_batch_norm(model, mnist.train)
    batches = list(mnist.train.images[:2000].split(500))
    with torch.no_grad():
        for name, part in model.named_children():
            if isinstance(part, nn.BatchNorm2d):
                means = [batch.mean((0, 2, 3)) for batch in batches]
                variances = [batch.transpose(0, 1).flatten(1).var(1) for batch in batches]
                norm = getattr(found, name)
                torch.testing.assert_close(norm.running_mean, sum(means) / 4)
                torch.testing.assert_close(norm.running_var, sum(variances) / 4)
                batches = [nn.functional.batch_norm(batch, None, None, part.weight, part.bias,
                                                    training=True) for batch in batches]
            else:
                batches = [part(batch) for batch in batches]  # in eval mode: dropout is off


def test_only_the_statistics_change_and_only_in_the_copy(mnist):
    model = load_trained("vgg_mini")
    model.norm1_1.train()
    before, momentum = weights(model), model.norm2_1.momentum
    found = reestimate_batch_norm(model, mnist.train, images=700)
    assert same(before, weights(model))
    changed = {key.split(".")[1] for key, value in weights(found).items()
               if not torch.equal(value, before[key])}
    assert changed == {"running_mean", "running_var", "num_batches_tracked"}
    for one in (model, found):
        assert one.norm2_1.momentum == momentum
        assert (one.norm1_1.training, one.norm2_1.training) == (True, False)
    assert same(weights(load_trained("lenet_5")),
                weights(reestimate_batch_norm(load_trained("lenet_5"), mnist.train)))


def test_labels_are_not_read_and_one_image_is_too_few(mnist):
    model, split = load_trained("vgg_mini"), mnist.train[:501]  # 251 and 250, never one alone
    other = Split(split.images, 9 - split.labels)
    assert same(weights(reestimate_batch_norm(model, split)),
                weights(reestimate_batch_norm(model, other)))
    for few in (split[:0], split[:1]):
        with pytest.raises(ValueError, match=r"split\[:images\]\) is .*; allowed is 2 or more"):
            reestimate_batch_norm(model, few)


def test_zeroed_and_removed_stay_equal_when_batch_norm_is_estimated_anew():
    split, moved = random_split(40), 0
    for seed in range(120):
        model = random_chain(seed)  # in float64
        keep = random_keep(model, seed)
        split64 = Doubled(split)
        zeroed, removed = (reestimate_batch_norm(one, split64, images=30)
                           for one in (zero_units(model, keep), remove_units(model, keep)))
        with torch.no_grad():
            one, other = zeroed(split64.images), removed(split64.images)
            moved += not torch.allclose(other, remove_units(model, keep)(split64.images))
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)
    assert moved > 40


class Doubled:
    """A split in float64, which Split itself does not allow."""

    def __init__(self, split):
        self.split, self.images = split, split.images.double()

    def __getitem__(self, which):
        return Doubled(self.split[which])
