"""Safetensors files that need not be trusted: every name, shape and kind must be on a list.

The header is bounded and checked by itself before the library sees the file, and nothing is
allocated before all of it is known to be what is expected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from popgan.wording import counted

MOST_HEADER = 16 * 2**20
"""Bytes of a header: ours have some hundred bytes a tensor."""

_KINDS = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}

Expected = tuple[tuple[int, ...], torch.dtype]
"""Shape and kind of a tensor."""


class TensorFileError(Exception):
    """The file is not what it should be; the text says what."""


def kinds_of(tensors: Mapping[str, Tensor]) -> dict[str, Expected]:
    """The list for a file that is to hold tensors like these."""
    return {name: (tuple(value.shape), value.dtype) for name, value in tensors.items()}


def read_tensors(
    path: Path,
    required: Mapping[str, Expected],
    optional: Callable[[str], Expected | None] = lambda name: None,
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a file that holds exactly what is listed.

    Args:
        path: the file.
        required: tensors that must be there.
        optional: what a tensor that is not required must be; None: it must not be there.

    Returns:
        The tensors on the CPU, and the metadata.

    Raises:
        TensorFileError: no such file, damaged, another tensor, shape or kind than listed, or a
            number that is not finite.
    """
    try:
        header = _header(path)
        metadata = _metadata(header.pop("__metadata__", {}))
        if missing := required.keys() - header.keys():
            many = counted(len(missing), "tensor is", "tensors are")
            raise TensorFileError(f"{many} missing, {min(missing)} first")
        for name, entry in sorted(header.items()):
            _check(name, entry, required.get(name) or optional(name))
        with safe_open(path, framework="pt") as handle:
            tensors = {name: handle.get_tensor(name) for name in sorted(header)}
    except (SafetensorError, OSError) as error:
        text = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise TensorFileError(text) from error
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise TensorFileError(f"tensor {name} has numbers that are not finite")
    return tensors, metadata


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata alone.

    Raises:
        TensorFileError: no such file, or damaged.
    """
    try:
        return _metadata(_header(path).get("__metadata__", {}))
    except OSError as error:
        raise TensorFileError(error.strerror or str(error)) from error


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as handle:
        size = int.from_bytes(handle.read(8), "little")
        if not 2 <= size <= min(MOST_HEADER, path.stat().st_size - 8):
            raise TensorFileError("its header is cut off or impossibly long")
        try:
            header = json.loads(handle.read(size).decode("utf-8"))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise TensorFileError("its header is not readable") from error
    if not isinstance(header, dict):
        raise TensorFileError("its header is not readable")
    return header


def _metadata(found: Any) -> dict[str, str]:
    texts = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    if not texts:
        raise TensorFileError("its metadata are not texts")
    return dict(found)


def _check(name: str, entry: Any, expected: Expected | None) -> None:
    shown = name if len(name) < 100 else f"{name[:100]}..."
    if expected is None:
        raise TensorFileError(f"unexpected tensor {shown}")
    shape, kind = expected
    if not isinstance(entry, dict):
        raise TensorFileError(f"tensor {shown} has no shape")
    if entry.get("shape") != list(shape):
        raise TensorFileError(f"unexpected tensor {shown} of shape {entry.get('shape')}"[:300])
    if entry.get("dtype") != _KINDS.get(kind):
        raise TensorFileError(f"tensor {shown} holds {entry.get('dtype')}, not {kind}"[:300])
