import gzip
import re
import shutil
from pathlib import Path

import pytest
import torch

from course_lib.data import DATA_DIR, SHA256, Split, load_mnist

MEND = "git checkout -- data/mnist"


@pytest.fixture
def folder(tmp_path):
    for name in SHA256:
        shutil.copy(DATA_DIR / name, tmp_path)
    yield tmp_path
    for mapped in tmp_path.glob("*.float32"):  # 220 MB
        mapped.unlink()


def test_sizes_types_and_ranges(mnist):
    assert [len(part) for part in (mnist.train, mnist.validation, mnist.test)] == [
        55_000, 5_000, 10_000]
    for part in (mnist.train, mnist.validation, mnist.test):
        assert part.images.dtype == torch.float32
        assert part.images.shape == (len(part), 1, 28, 28)
        assert (float(part.images.min()), float(part.images.max())) == (0.0, 1.0)
        assert sorted(part.labels.unique().tolist()) == list(range(10))


def test_the_first_test_images_are_the_published_ones(mnist):
    assert mnist.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert mnist.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


def test_pixels_agree_with_a_plain_reading_of_the_file(mnist):
    plain = gzip.decompress((DATA_DIR / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    last = torch.tensor(list(plain[-784:])).reshape(28, 28) / 255
    assert torch.equal(mnist.test.images[-1, 0], last)


def test_train_and_validation_are_the_60000_without_overlap(mnist):
    whole = load_mnist(validation=1)
    assert torch.equal(torch.cat([mnist.train.labels, mnist.validation.labels]),
                       torch.cat([whole.train.labels, whole.validation.labels]))


@pytest.mark.parametrize("name", SHA256)
def test_a_missing_file_is_named_with_its_remedy(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"(?s){name}.*{MEND}"):
        load_mnist(folder)


def truncated(content):
    return content[:-100]


def flipped(content):
    return content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]


def wrong_magic(content):
    plain = gzip.decompress(content)
    return gzip.compress(b"\x00\x00\x08\x01" + plain[4:], compresslevel=1, mtime=0)


@pytest.mark.parametrize("damage", [truncated, flipped, wrong_magic, lambda content: b""])
def test_a_damaged_file_is_named_with_what_was_expected(folder, damage):
    name = "t10k-images-idx3-ubyte.gz"
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    with pytest.raises(ValueError, match=f"(?s){name}.*expected {SHA256[name]}.*{MEND}"):
        load_mnist(folder)


def test_images_that_two_processes_only_read_take_memory_once(mnist):
    """By Linux's own count: pages of the mapped file, none of them a copy of this process's."""
    smaps = Path("/proc/self/smaps")
    if not smaps.is_file():
        pytest.skip("only Linux says which memory is shared")
    where = mnist.train.images.data_ptr()
    areas = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", smaps.read_text("utf-8"))
    area = next(area for area in areas if area and int(area.split("-")[0], 16) <= where < int(
        re.split("[- ]", area)[1], 16))
    sizes = {name: int(kib) for name, kib in re.findall(r"(?m)^(\w+): +(\d+) kB", area)}
    assert "train.float32" in area.splitlines()[0]
    assert sizes["Rss"] > 100_000
    assert sizes["Anonymous"] < 1_000


def test_a_changed_image_is_changed_in_this_process_alone(folder):
    images = load_mnist(folder).test.images
    images[0] = 1
    assert float(load_mnist(folder).test.images[0].min()) == 0


def test_where_nothing_can_be_written_the_images_are_the_same(folder, mnist, monkeypatch):
    def full(path, content):
        raise OSError("No space left on device")
    monkeypatch.setattr("course_lib.data.write_whole", full)
    assert torch.equal(load_mnist(folder).test.images, mnist.test.images)
    assert {path.name for path in folder.iterdir()} == set(SHA256)


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-4],
                                    lambda content: content[:9000] + b"\1" + content[9001:]])
def test_a_damaged_file_of_mapped_images_is_made_anew(folder, mnist, damage):
    load_mnist(folder)
    mapped = folder / "t10k.float32"
    mapped.write_bytes(damage(mapped.read_bytes()))
    assert torch.equal(load_mnist(folder).test.images, mnist.test.images)


@pytest.mark.parametrize("validation", [0, 60_000, -5])
def test_a_validation_split_of_no_use_is_refused(validation):
    with pytest.raises(ValueError, match=f"validation is {validation}; allowed is 1 to"):
        load_mnist(validation=validation)


def test_a_slice_of_a_split_is_a_split(mnist):
    part = mnist.train[10:20]
    assert len(part) == 10
    assert torch.equal(part.images, mnist.train.images[10:20])
    assert len(part[torch.tensor([True] * 3 + [False] * 7)]) == 3
    for which, shown in ((3, "3"), (torch.tensor(3), r"tensor\(3\)")):
        with pytest.raises(ValueError, match=f"which is {shown}; allowed is a slice"):
            part[which]


@pytest.mark.parametrize(("images", "labels", "names"), [
    (torch.zeros(2, 28, 28), torch.zeros(2, dtype=torch.int64), "images"),
    (torch.zeros(2, 1, 28, 28).double(), torch.zeros(2, dtype=torch.int64), "images"),
    (torch.zeros(2, 1, 28, 28), torch.zeros(3, dtype=torch.int64), "labels"),
    (torch.zeros(2, 1, 28, 28), torch.zeros(2), "labels"),
    (torch.full((2, 1, 28, 28), 255.0), torch.tensor([0, 1]), r"images is \(255.0, 255.0\)"),
    (torch.full((2, 1, 28, 28), float("nan")), torch.tensor([0, 1]), r"range of images is \(nan"),
    (torch.zeros(2, 1, 28, 28), torch.tensor([0, 10]), r"range of labels is \(0, 10\)"),
    (torch.zeros(2, 1, 28, 28), torch.tensor([-1, 3]), r"range of labels is \(-1, 3\)"),
])
def test_a_split_that_is_not_one_is_refused(images, labels, names):
    with pytest.raises(ValueError, match=f"{names}.*allowed is"):
        Split(images, labels)
