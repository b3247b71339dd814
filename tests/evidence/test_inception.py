"""The network of FID is torch-fidelity's, is fed as there, and takes its own weights alone."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evidence.inception_oracle import made_up_weights, torch_fidelity_network
from popgan.errors import UserError
from popgan.evidence import inception
from popgan.evidence.backbone import basis_of, defines_fid, extractor_of
from popgan.evidence.inception import (
    InceptionExtractor,
    load_inception,
    network_input,
    resize_as_tensorflow_1,
)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return made_up_weights()


@pytest.fixture(scope="module")
def file(weights: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / inception.WEIGHTS_NAME
    torch.save(weights, path)
    return path


@pytest.fixture
def accepted(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, with its own hash in place of the pinned one."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(inception, "WEIGHTS_SHA256", digest)
    return file


def pictures(count: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 1, 40, 56)).astype(np.uint8)


def as_images(values: np.ndarray) -> np.ndarray:
    return (values / 127.5 - 1).astype(np.float32)


def test_features_are_those_that_torch_fidelity_gave(accepted: Path) -> None:
    """Every 256th feature by torch-fidelity 0.4.0, of these weights and pictures."""
    got = InceptionExtractor(accepted)(as_images(pictures()))
    assert got.shape == (2, 2048) and got.dtype == np.float32
    wanted = [
        [0.220583, 0.485894, 2.840597, 1.000143, 8.009212, 2.416811, 0.0, 1.977364],
        [0.175937, 0.528747, 2.761733, 0.941711, 7.896427, 2.441179, 0.0, 1.935640],
    ]
    np.testing.assert_allclose(got[:, ::256], wanted, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(got.mean(1), [1.5549, 1.5523], atol=1e-4)


def test_features_are_those_of_torch_fidelity(
    accepted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, where it is installed; loading is strict there, so all names are its own."""
    network = torch_fidelity_network(monkeypatch, accepted)
    values = pictures(1)
    wanted = network(torch.from_numpy(values).expand(-1, 3, -1, -1))[0].numpy()
    got = InceptionExtractor(accepted)(as_images(values))
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_resizing_keeps_the_corner_of_a_plane_as_tensorflow_1_does() -> None:
    # Reading at i * size / side makes a plane x + 100 y into the same plane, in finer steps, until
    # the last pixel, beyond which it stays.
    for height, width in ((7, 5), (64, 128), (400, 299)):
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        got = resize_as_tensorflow_1((x + 100 * y).float()[None, None], 299)[0, 0]
        at = torch.arange(299)
        down = (at * height / 299).clamp(max=height - 1)[:, None]
        across = (at * width / 299).clamp(max=width - 1)[None]
        torch.testing.assert_close(got, across + 100 * down, rtol=1e-5, atol=1e-3)


def test_halving_takes_every_second_pixel_and_smooths_nothing() -> None:
    image = torch.rand(1, 1, 598, 598)
    assert torch.equal(resize_as_tensorflow_1(image, 299), image[..., ::2, ::2])


def test_images_are_rounded_to_eight_bits_and_centred_at_128() -> None:
    ends = torch.tensor([-1.0, 1.0, 0.001, -3.0])[:, None, None, None].expand(4, 1, 8, 8)
    x = network_input(ends)
    assert x.shape == (4, 3, 299, 299)
    found = [image.unique().tolist() for image in x]
    assert found == [[-1.0], [127 / 128], [0.0], [-1.0]]


def test_contrasts_are_concatenated_in_order(
    accepted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = InceptionExtractor(accepted)
    monkeypatch.setattr(  # a network that tells how bright a picture is, 2048 times
        extractor, "_network", lambda x: x.mean((1, 2, 3))[:, None].expand(-1, 2048)
    )
    levels = np.array([[-0.5, 0.5], [0.1, 0.7], [1, -1]], np.float32)
    got = extractor(np.broadcast_to(levels[..., None, None], (3, 2, 8, 8)))
    assert got.shape == (3, 4096)
    np.testing.assert_allclose(got[:, [0, 2048]], levels, atol=0.01)


def test_only_one_contrast_in_the_pinned_weights_defines_fid(accepted: Path) -> None:
    identity = extractor_of(f"inception={accepted}").identity
    assert identity["input_size"] == 299
    assert identity["weights_sha256"] == inception.WEIGHTS_SHA256
    assert defines_fid(identity, 1)
    assert not defines_fid(identity, 2)
    assert not defines_fid(identity | {"weights_sha256": "0" * 64}, 1)
    assert not defines_fid(extractor_of(None).identity, 1)
    assert basis_of(identity) == (
        f"Inception-v3 (2015-12-05) at 299 pixels, weights {inception.WEIGHTS_SHA256[:12]}"
    )


def test_the_pinned_hash_is_the_one_in_the_name_of_the_file() -> None:
    assert f"-{inception.WEIGHTS_SHA256[:8]}.pth" in inception.WEIGHTS_NAME


def test_the_published_file_is_as_long_as_these_tensors(weights: dict[str, torch.Tensor]) -> None:
    """95,628,359 bytes: all tensors, and what names them."""
    numbers = sum(t.numel() * t.element_size() for t in weights.values())
    assert 0 < 95_628_359 - numbers < 250 * len(weights)


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda table: table.pop(name)


OTHER: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "one is missing": ("fc.bias is missing", without("fc.bias")),
    "one too many": ("extra is unknown", lambda t: t.update(extra=torch.zeros(1))),
    "another shape": (
        r"Mixed_7c.branch_pool.conv.weight has shape \(192, 2048\), not \(192, 2048, 1, 1\)",
        lambda t: t.update({"Mixed_7c.branch_pool.conv.weight": torch.zeros(192, 2048)}),
    ),
    "another type": (
        "fc.bias is torch.float64, not float32",
        lambda t: t.update({"fc.bias": t["fc.bias"].double()}),
    ),
    "no tensor": ("not a table of tensors", lambda t: t.update({"fc.bias": 3})),
}


@pytest.mark.parametrize("name", OTHER)
def test_tensors_that_are_not_the_networks_are_refused_in_one_line(
    name: str,
    weights: dict[str, torch.Tensor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message, spoil = OTHER[name]
    table = dict(weights)
    spoil(table)
    monkeypatch.setattr(inception, "_read", lambda _: b"")
    monkeypatch.setattr(inception, "WEIGHTS_SHA256", hashlib.sha256(b"").hexdigest())
    monkeypatch.setattr(torch, "load", lambda *_, **__: table)
    with pytest.raises(UserError, match=message) as caught:
        load_inception(tmp_path / "weights.pth")
    assert "\n" not in str(caught.value)


def test_weights_without_counters_of_batches_are_taken(
    weights: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {n: t for n, t in weights.items() if not n.endswith("num_batches_tracked")}
    monkeypatch.setattr(inception, "_read", lambda _: b"")
    monkeypatch.setattr(inception, "WEIGHTS_SHA256", hashlib.sha256(b"").hexdigest())
    monkeypatch.setattr(torch, "load", lambda *_, **__: table)
    assert torch.equal(load_inception(Path("x")).fc.bias, weights["fc.bias"])


def test_a_file_that_would_run_code_is_not_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "harmed",)

    buffer = io.BytesIO()
    torch.save({"fc.bias": Harm()}, buffer)
    path = tmp_path / "weights.pth"
    path.write_bytes(buffer.getvalue())
    monkeypatch.setattr(inception, "WEIGHTS_SHA256", hashlib.sha256(buffer.getvalue()).hexdigest())
    with pytest.raises(UserError, match="cannot be read as weights"):
        load_inception(path)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("inception", "weights of Inception are not given"),
        ("inception=", "weights of Inception are not given"),
        ("resnet=x", "unknown feature network 'resnet'"),
        ("inception=/nowhere/x.pth", "no such file of weights"),
        ("inception=/", "no such file of weights"),
    ],
)
def test_a_choice_that_cannot_be_is_one_line(choice: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        extractor_of(choice)
    assert "\n" not in str(caught.value) and inception.WEIGHTS_NAME in str(caught.value)


def test_another_file_is_refused_before_it_is_unpickled(file: Path) -> None:
    with pytest.raises(UserError, match="is not the weights that FID is defined with"):
        extractor_of(f"inception={file}")


def test_a_file_beyond_all_bounds_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.pth"
    with path.open("wb") as handle:
        handle.truncate(2**29)
    with pytest.raises(UserError, match="too large"):
        load_inception(path)
