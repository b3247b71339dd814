"""Hostile and damaged tensor files: refused with a reason, before memory is given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file

from popgan.training.tensors import TensorFileError, kinds_of, read_metadata, read_tensors

GOOD = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4, dtype=torch.bfloat16)}
LIST = kinds_of(GOOD)


def write(path: Path, header: object, body: bytes = b"", claimed: int | None = None) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes((claimed or len(text)).to_bytes(8, "little") + text + body)
    return path


def test_what_is_listed_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file(GOOD, path, {"who": "me"})
    tensors, metadata = read_tensors(path, LIST)
    assert metadata == {"who": "me"} == read_metadata(path)
    assert all(torch.equal(tensors[name], GOOD[name]) for name in GOOD)


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"a": GOOD["a"]}, "1 tensor is missing, b first"),
        ({**GOOD, "c": torch.ones(1)}, "unexpected tensor c"),
        ({**GOOD, "a": torch.ones(3, 2)}, "of shape"),
        ({**GOOD, "a": torch.ones(2, 3, dtype=torch.float64)}, "holds F64"),
        ({**GOOD, "b": torch.ones(4, dtype=torch.float16)}, "holds F16"),
        ({**GOOD, "a": torch.full((2, 3), float("nan"))}, "not finite"),
        ({**GOOD, "x" * 5000: torch.ones(1)}, "unexpected tensor xxx"),
    ],
)
def test_anything_else_is_refused(
    tmp_path: Path, tensors: dict[str, torch.Tensor], reason: str
) -> None:
    path = tmp_path / "x.safetensors"
    save_file(tensors, path)
    with pytest.raises(TensorFileError, match=reason) as caught:
        read_tensors(path, LIST)
    assert len(str(caught.value)) < 400


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    content, path = save(GOOD, {"k": "v"}), tmp_path / "x.safetensors"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(TensorFileError):
            read_tensors(path, LIST)


A = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
B = {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]}


@pytest.mark.parametrize(
    "header",
    [
        [],
        7,
        {"a": A, "b": 5},
        {"a": A, "b": B, "__metadata__": {"images": float("nan")}},
        {"a": A, "b": B, "__metadata__": [1]},
        {"a": A, "b": {**B, "data_offsets": [0, 8]}},
        {"a": A, "b": {**B, "data_offsets": [10**18, 10**18 + 8]}},
        {"a": A, "b": {**B, "data_offsets": [24, 23]}},
        {"a": A, "b": {**B, "shape": [10**18]}},
        {"a": A, "b": {**B, "shape": None}},
        {"a": A, "b": {**B, "dtype": "F8_E4M3"}},
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, header: object) -> None:
    with pytest.raises(TensorFileError):
        read_tensors(write(tmp_path / "x", header, bytes(32)), LIST)


@pytest.mark.parametrize("claimed", [10**9, 2**63, 0, 1])
def test_a_header_of_impossible_length_is_not_read(tmp_path: Path, claimed: int) -> None:
    path = write(tmp_path / "x", {"a": A, "b": B}, bytes(32), claimed=claimed or None)
    if claimed == 0:
        path.write_bytes(bytes(8) + path.read_bytes()[8:])
    for read in (read_metadata, lambda path: read_tensors(path, LIST)):
        with pytest.raises(TensorFileError, match="header"):
            read(path)


def test_a_deeply_nested_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    text = b"[" * 100_000
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(TensorFileError, match="header"):
        read_tensors(path, LIST)


def test_no_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(TensorFileError):
            read_tensors(path, LIST)
