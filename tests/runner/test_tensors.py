# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from west_utvm.errors import UtvmError
from west_utvm.runner.tensors import join_outputs, load_npz, make_samples, save_npz
from west_utvm.tensor import Tensor

IMAGE = Tensor("image", "int8", (1, 2, 3))
GAIN = Tensor("gain", "float32", (2,))


def samples(given: dict[str, np.ndarray], fill: str = "zeros", seed: int = 0) -> list[list[bytes]]:
    return list(make_samples([IMAGE, GAIN], given, "in.npz", fill=fill, seed=seed))


@pytest.mark.parametrize(
    ("shape", "count"), [((1, 2, 3), 1), ((4, 2, 3), 4), ((4, 1, 2, 3), 4), ((1, 1, 2, 3), 1)]
)
def test_one_sample_or_many(shape: tuple[int, ...], count: int) -> None:
    image = np.arange(np.prod(shape), dtype=np.int8).reshape(shape)
    gain = np.array([0.5, 2], np.float32)
    found = samples({"image": image, "gain": gain})
    assert [sample[0] for sample in found] == [
        image.reshape(count, -1)[i].tobytes() for i in range(count)
    ]
    assert {sample[1] for sample in found} == {gain.tobytes()}


def test_elements_go_out_in_little_endian_and_row_major_order() -> None:
    gain = np.array([1, 2], ">f4")
    image = np.asfortranarray(np.arange(6, dtype=np.int8).reshape(1, 2, 3))
    [[sent_image, sent_gain]] = samples({"image": image, "gain": gain.astype(np.float32)})
    assert sent_image == bytes(range(6))
    assert sent_gain == np.array([1, 2], "<f4").tobytes()


@pytest.mark.parametrize(("fill", "byte"), [("zeros", b"\0"), ("ones", b"\1")])
def test_what_is_not_given_is_filled(fill: str, byte: bytes) -> None:
    [[image, _]] = samples({}, fill=fill)
    assert image == byte * 6


def test_random_fill_is_of_the_seed() -> None:
    assert samples({}, "random", 1) == samples({}, "random", 1) != samples({}, "random", 2)


def test_random_integers_take_the_whole_range() -> None:
    big = Tensor("big", "int8", (100_000,))
    [[data]] = make_samples([big], {}, "", fill="random", seed=0)
    assert set(np.frombuffer(data, np.int8)) == set(range(-128, 128))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"img": np.zeros((1, 2, 3), np.int8)}, "array 'img' that the model has not; name the"),
        (
            {"image": np.zeros((1, 2, 3), np.uint8)},
            "array 'image' is uint8 and the model takes int8",
        ),
        (
            {"image": np.zeros((2, 3, 3), np.int8)},
            "array 'image' is 2x3x3 and the model takes 1x2x3",
        ),
        ({"image": np.zeros((6,), np.int8)}, "array 'image' is 6 and the model takes 1x2x3"),
        ({"image": np.zeros((0, 2, 3), np.int8)}, "array 'image' is 0x2x3 and the model"),
        ({"image": np.int8(3)}, "array 'image' is scalar and the model"),
        (
            {"image": np.zeros((3, 2, 3), np.int8), "gain": np.zeros((2, 2), np.float32)},
            "different numbers of samples {'image': 3, 'gain': 2}",
        ),
    ],
)
def test_arrays_that_the_model_does_not_take(given: dict[str, np.ndarray], complaint: str) -> None:
    with pytest.raises(UtvmError) as caught:
        samples(given)
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("in.npz: ")


def test_outputs_have_the_tensor_s_own_shape_or_one_more_dimension() -> None:
    rows = [[bytes(range(6)), np.array([1, 2], np.float32).tobytes()]] * 3
    alone = join_outputs([IMAGE, GAIN], rows[:1], batched=False)
    assert alone["image"].shape == (1, 2, 3) and alone["gain"].shape == (2,)
    many = join_outputs([IMAGE, GAIN], rows, batched=True)
    assert many["image"].shape == (3, 2, 3) and many["gain"].shape == (3, 2)
    assert many["gain"].dtype == np.float32 and many["gain"][2].tolist() == [1, 2]


def test_npz_files_are_reproducible_and_read_back(tmp_path: Path) -> None:
    arrays: dict[str, np.ndarray] = {"file": np.arange(3), "a/b": np.array([[1.5]], np.float32)}
    for name in ("one.npz", "two.npz"):
        save_npz(tmp_path / name, arrays)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    found = load_npz(tmp_path / "one.npz")
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


def test_an_npz_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "out.npz").mkdir()
    with pytest.raises(UtvmError, match="cannot be written"):
        save_npz(tmp_path / "out.npz", {"a": np.zeros(1)})
    assert [path.name for path in tmp_path.iterdir()] == ["out.npz"]


def _bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("image.npy", "w", force_zip64=True) as stream,
    ):
        for _ in range(1 << 10):
            stream.write(bytes(1 << 20) + b"\0")


@pytest.mark.parametrize(
    ("write", "complaint"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b""), "is not an npz file"),
        (lambda path: path.write_text("hello"), "is not an npz file"),
        (lambda path: path.mkdir(), "is not an npz file"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + b"\xff" * 40), "is not an npz file"),
        (lambda path: np.savez(path, image=np.array([{}], object)), "is not an npz file"),
        (_bomb, "holds more than"),
    ],
)
def test_files_that_are_no_npz(write: object, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    assert callable(write)
    write(path)
    with pytest.raises(UtvmError) as caught:
        load_npz(path)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def test_a_damaged_npz_is_an_error_or_an_array(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    save_npz(path, {"image": np.arange(6, dtype=np.int8).reshape(1, 2, 3)})
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(whole)
        damaged[generator.integers(len(whole))] ^= 1 << generator.integers(8)
        path.write_bytes(damaged)
        try:
            load_npz(path)
        except UtvmError:
            continue
