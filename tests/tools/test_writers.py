import gzip

import pytest
import torch

from course_lib.data import MNIST

from course_tools.experiments import writers as who
from course_tools.experiments.__main__ import main
from course_tools.experiments.figures import run_figure
from course_tools.experiments.images import packed
from course_tools.experiments.two_levels import image_variance


@pytest.fixture(scope="module")
def few(mnist):
    return MNIST(mnist.train[:6], mnist.validation[:4], mnist.test[:4])


def table(digits, series, writer):
    rows = zip(digits.tolist(), series, writer, strict=True)
    return "".join(f"{digit}\t{group}\t{hand}\t0\t30\t0\t0\t0\n" for digit, group, hand in rows)


@pytest.fixture
def folder(few, tmp_path):
    """Lay out label files: writers 0 to 2 are employees, 10 and 11 students."""
    digits = torch.cat([few.train.labels, few.validation.labels])
    (tmp_path / "qmnist-train-labels.tsv").write_text(table(
        digits, [0] * 3 + [4] * 3 + [0, 0, 4, 0], [0, 0, 1, 10, 10, 10, 2, 2, 10, 1]))
    longer = torch.cat([few.test.labels, few.test.labels])  # as the published file has more digits
    with gzip.open(tmp_path / "qmnist-test-labels.tsv.gz", "wt") as file:
        file.write(table(longer, [4, 4, 0, 0] * 2, [11, 11, 2, 2] * 2))
    return tmp_path


def test_who_wrote_what_is_read_from_either_kind_of_file(few, folder):
    hands = who.read_hands(few, folder)
    assert hands["validation"].writer.tolist() == [2, 2, 10, 1]
    assert {name: group.tolist() for name, group in hands["validation"].groups().items()} == {
        "students, seen": [False, False, True, False],
        "employees, seen": [False, False, False, True],
        "employees, unseen": [True, True, False, False]}
    assert list(hands["test"].groups()) == ["students, unseen", "employees, unseen"]


def test_files_of_other_digits_are_refused(few, folder):
    path = folder / "qmnist-train-labels.tsv"
    path.write_text(path.read_text().replace(f"{int(few.train.labels[0])}\t", "7\t", 1))
    with pytest.raises(ValueError, match="holds other digits than MNIST; allowed is the file of"):
        who.read_hands(few, folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"labels.tsv.gz is missing; it is part of"):
        who.read_hands(few, folder)


def flattery(wrong):
    """Return rows of networks of one seed that read these images of both splits wrong."""
    return [{"seed": 1, "strength": float(place), "nonzero": 9 - place, "bytes": {"zstd": 9},
             "validation": [0, 0], "test": [0, 0],
             "wrong": {split: packed(torch.tensor(images) > 0) for split, images in each.items()}}
            for place, each in enumerate(wrong)]


def test_drops_are_counted_by_group_and_weighted_by_the_other_splits_mix(
        few, folder, monkeypatch):
    monkeypatch.setattr(who, "load_results", lambda name: flattery([
        {"validation": [1, 0, 0, 0], "test": [0, 0, 0, 0]},
        {"validation": [0, 1, 1, 1], "test": [1, 0, 0, 0]}]))
    whole, row = who.writers(few, seed=1, labels=folder)
    assert whole["groups"]["validation"]["employees, unseen"] == {
        "images": 2, "wrong": 1, "drop": [0, 0], "image_variance": None}
    assert {name: (group["images"], group["wrong"], group["drop"])
            for name, group in row["groups"]["validation"].items()} == {
        "students, seen": (1, 1, [1, 0]), "employees, seen": (1, 1, [1, 0]),
        "employees, unseen": (2, 1, [1, 1])}
    assert row["post_stratified"] == pytest.approx((1 + 1 / 3) / 2)  # as many of each in test
    assert row["by_mix"] == pytest.approx(0.25 * 0.5)
    assert "wrong" not in row


def test_what_other_images_add_is_taken_from_all_networks_of_a_strength(few, folder, monkeypatch):
    networks = [row | {"seed": seed} for seed, second in ((2, [0, 0, 0, 1]), (1, [0, 1, 0, 1]))
                for row in flattery([{"validation": [0] * 4, "test": [0] * 4},
                                     {"validation": second, "test": [0, 0, 1, 1]}])]
    monkeypatch.setattr(who, "load_results", lambda name: networks)
    _, row = who.writers(few, seed=1, labels=folder)
    assert row["groups"]["validation"]["employees, unseen"]["drop"] == [1, 0]  # of seed 1
    drops = torch.tensor([[0, 1], [0, 0]]).double()  # its images are the first and the second
    assert row["groups"]["validation"]["employees, unseen"]["image_variance"] == image_variance(
        drops)
    assert row["groups"]["test"]["employees, unseen"]["image_variance"] == 0.0  # all alike


def test_a_writer_whose_digits_are_alike_counts_as_one():
    writer = torch.arange(50).repeat_interleave(4)
    alike = (torch.arange(50) % 2).double().repeat_interleave(4)
    assert who.clustering(alike, writer) == pytest.approx(2.0)  # 4 digits as one: √4
    assert who.clustering(torch.ones(200).double(), writer) == 1.0
    alone = torch.rand(200, generator=torch.Generator().manual_seed(0)).double()
    assert who.clustering(alone, torch.arange(200)) == pytest.approx(1.0)


def test_the_folder_of_labels_is_asked_for_where_it_is_needed_and_only_there(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "writers"])
    assert "--labels" in capsys.readouterr().err
    with pytest.raises(ValueError, match="labels is None; allowed is a folder for writers"):
        run_figure("writers", 1, tmp_path)
    with pytest.raises(ValueError, match="labels is .*; allowed is a folder for writers, None for"):
        run_figure("flattery", 1, tmp_path, labels=tmp_path)
    assert not list(tmp_path.iterdir())
