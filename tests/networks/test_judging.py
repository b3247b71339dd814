"""Every discriminator decides in float32 and takes dropout and conditions the same way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from popgan.networks import dcgan, progressive, r3gan, stylegan2
from popgan.networks.judging import Judge
from popgan.networks.layers import Projection

SIZES = {"channels": [16, 8], "image_channels": 1, "base": (8, 8)}
BUILDERS: dict[str, Callable[[], Judge]] = {
    "dcgan": lambda: dcgan.Discriminator(**SIZES, condition=3),
    "progressive": lambda: progressive.Discriminator(**SIZES, condition=3),
    "r3gan": lambda: r3gan.Discriminator(**SIZES, blocks=1, condition=3),
    "stylegan2": lambda: stylegan2.Discriminator(
        stylegan2.levels(16, widths=[16, 16, 8]), condition=3
    ),
}
ONES = torch.ones(4, 3)


class Sum(Judge):
    """Feature maps are the image, features its pixels; every weight is 1."""

    def __init__(self, condition: int = 0) -> None:
        super().__init__()
        self.logit = nn.Linear(4, 1, bias=False)
        nn.init.ones_(self.logit.weight)
        self.projection = Projection(condition, 4) if condition else None
        self.seen: list[torch.dtype] = []

    def look(self, image: Tensor, level: int, alpha: float) -> Tensor:
        return image * level * alpha

    def gather(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.seen.append(x.dtype)
        return x.flatten(1), x.flatten(1)


def test_the_logit_is_read_from_the_features_that_dropout_leaves() -> None:
    image = torch.tensor([1.0, 2, 3, 4]).view(1, 1, 2, 2)
    keep = torch.tensor([[0.0, 2, 0, 1]])
    assert Sum()(image, 2, 0.5).item() == 10
    assert Sum()(image, 2, 0.5, None, keep).item() == 8


def test_a_condition_is_held_against_the_features_that_dropout_has_not_touched() -> None:
    judge = Sum(condition=2)
    assert judge.projection is not None
    nn.init.constant_(judge.projection.weight, 0.5)
    image, told = torch.full((1, 1, 2, 2), 3.0), torch.tensor([[1.0, 1.0]])
    nothing = torch.zeros(1, 4)
    # <c, features> / sqrt(F), c = 0.5 + 0.5 in each of four places.
    assert judge(image, 1, 1.0, told, nothing).item() == pytest.approx(4 * 3 / 2)
    with pytest.raises(ValueError, match="a condition"):
        judge(image, 1, 1.0)


@pytest.mark.parametrize(
    ("given", "used"),
    [(torch.bfloat16, torch.float32), (torch.float16, torch.float32), (torch.float64,) * 2],
)
def test_the_head_is_never_narrower_than_float32(given: torch.dtype, used: torch.dtype) -> None:
    judge = Sum().to(used)
    with torch.autocast("cpu", torch.bfloat16):
        logit = judge(torch.ones(2, 1, 2, 2, dtype=given), 1, 1.0)
    assert judge.seen == [used]
    assert logit.dtype == used


@pytest.mark.parametrize("kind", BUILDERS)
def test_every_discriminator_answers_in_float32_under_autocast(kind: str) -> None:
    torch.manual_seed(0)
    judge, images = BUILDERS[kind](), torch.randn(4, 1, 16, 16)
    exact = judge(images, 1, 1.0, ONES)
    with torch.autocast("cpu", torch.bfloat16):
        coarse = judge(images, 1, 1.0, ONES)
    assert exact.shape == (4,)
    assert coarse.dtype == torch.float32
    torch.testing.assert_close(coarse, exact, rtol=0.1, atol=0.1)
    # To bfloat16 and back would leave eight bits.
    assert not torch.equal(coarse, coarse.bfloat16().float())


@pytest.mark.parametrize("kind", BUILDERS)
def test_the_head_comes_last_in_the_names_of_weights(kind: str) -> None:
    names = [name.partition(".")[0] for name in BUILDERS[kind]().state_dict()]
    assert list(dict.fromkeys(names))[-2:] == ["logit", "projection"]
