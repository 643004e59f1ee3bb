import pytest
import torch

from course_lib._files import RESULTS
from course_lib.data import MNIST
from course_lib.models import ARCHITECTURES, load_trained, prunable_layers
from course_lib.training import evaluate

from course_tools.experiments import dense as rivals
from course_tools.experiments import load_results
from course_tools.experiments.figures import SHAPES
from course_tools.experiments.images import unpacked
from course_tools.experiments.recipes import DENSE, HAN, TUNING


@pytest.fixture(scope="module")
def few(mnist):
    return MNIST(mnist.train[:256], mnist.validation[:200], mnist.test[:200])


def widths(model):
    return [layer.weight.shape[0] for layer in prunable_layers(model).values()]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_narrow_network_has_at_least_as_many_weights_and_hardly_more(name):
    for wanted in (5_000, 20_000):
        model = rivals.narrower(name, wanted, seed=3)
        assert wanted <= rivals.weights_of(model) < 1.2 * wanted
        assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("task", SHAPES, ids=lambda task: " ".join(task.values()))
def test_every_rival_has_as_many_weights_as_the_pruned_network(task):
    whole = ARCHITECTURES[task["network"]](3)
    wanted = rivals.weights_of(whole) / 12
    model = rivals.low_rank(whole, 1 / 12) if task["shape"] == "low rank" else rivals.narrower(
        task["network"], round(wanted), 3, **DENSE["shapes"][task["network"]][task["shape"]])
    assert 0.999 * wanted <= rivals.weights_of(model) < 1.05 * wanted
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_shapes_share_the_weights_out_in_another_way():
    shapes = {shape: widths(rivals.narrower("lenet_300_100", 22_183, 0, **options))
              for shape, options in DENSE["shapes"]["lenet_300_100"].items() if shape != "low rank"}
    assert shapes["alike"] == [28, 10, 10]
    first, second, _ = shapes["second as wide"]
    assert abs(first - second) <= 1
    assert all(shapes[shape][0] > 80 for shape in ("pooled", "pooled, second wide"))
    assert shapes["pooled"][1] < shapes["pooled, second wide"][1]


def test_pooled_networks_read_the_mean_of_2_by_2_pixels():
    model = rivals.narrower("lenet_300_100", 20_000, 0, pool=True)
    image = torch.rand(1, 1, 28, 28)
    mean = image.reshape(14, 2, 14, 2).mean((1, 3)).reshape(1, 1, 14, 14)
    assert model(image).allclose(model(mean.repeat_interleave(2, 2).repeat_interleave(2, 3)),
                                 atol=1e-5)


def test_thin_layers_keep_the_strongest_directions(mnist):
    whole = load_trained("lenet_300_100")
    split = mnist.validation[:500]
    assert evaluate(rivals.low_rank(whole, 1.0), split) >= evaluate(whole, split) - 0.02
    thin = rivals.low_rank(whole, 0.25)
    product = thin.fc1_out.weight @ thin.fc1_in.weight
    best = torch.linalg.svd(whole.fc1.weight)
    rank = len(thin.fc1_in.weight)
    assert product.allclose(best.U[:, :rank] * best.S[:rank] @ best.Vh[:rank], atol=1e-4)


ONCE = DENSE | {"epochs": dict.fromkeys(ARCHITECTURES, 1), "reference": {"epochs": 1},
                "list": (1e-3, 2e-3), "rates": {"lenet_300_100": dict.fromkeys(
                    DENSE["shapes"]["lenet_300_100"], (1e-3, 0.0))}}


@pytest.mark.parametrize("shape", ["pooled", "low rank"])
def test_rates_are_chosen_by_a_seed_and_a_split_that_are_not_reported(few, shape):
    task = {"seed": 1, "network": "lenet_300_100", "shape": shape, "recipe": ONCE}
    rates = rivals.dense_rates(few, **task)
    assert [(row["lr"], row["l2"]) for row in rates] == [
        (lr, l2) for lr in (1e-3, 2e-3) for l2 in (0.0, HAN["references"]["lenet_300_100"]["l2"])]
    assert all(row["seed"] == 1 + TUNING and "test" not in row for row in rates)
    row, = rivals.dense(few, **task)
    assert row["shape"] == shape
    assert row["test"] == pytest.approx(1 - wrong_images(row) / 200)


def test_the_best_setting_of_each_shape_is_the_first_of_the_best():
    rows = [{"at": "a", "runner": shape, "lr": lr, "l2": 0.0, "validation": read}
            for shape, lr, read in (("x", 1, 0.8), ("x", 2, 0.9), ("x", 3, 0.9), ("y", 4, 0.1))]
    assert rivals.best_settings(rows) == {"a": {"x": (2, 0.0), "y": (4, 0.0)}}


def test_the_recipe_takes_the_rates_that_were_found_best():
    """Also while there is no such file yet: then it takes none."""
    there = (RESULTS / "dense_rates.json").is_file()
    found = rivals.best_settings(load_results("dense_rates") if there else ())
    assert DENSE["rates"] == found


def wrong_images(row):
    return int(unpacked(row["wrong"]["test"]).sum())


def test_the_low_rank_rival_has_as_many_epochs_in_all(few, monkeypatch):
    counted = []
    monkeypatch.setattr(rivals, "train", lambda model, split, *, epochs, **_: counted.append(
        epochs))
    rivals.rival(few, "lenet_300_100", "low rank", {"lr": 1e-3}, 0, DENSE)
    assert counted == [30, 20]
    rivals.rival(few, "lenet_300_100", "pooled", {"lr": 1e-3}, 0, DENSE)
    assert counted == [30, 20, 50]
