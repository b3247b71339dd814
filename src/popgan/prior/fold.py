"""A conditional network that is told the same thing for ever, as one that is told nothing.

The condition enters linearly: the generator's first layer and its styles read the embedded
condition beside z, and the discriminator's logit adds its product with the features. For one fixed
condition these terms are constants, and go into the biases and the weights of the logit. So the
folded networks compute the same numbers, up to rounding.
"""

from __future__ import annotations

import math

from torch import Tensor

from popgan.prior.weights import Tensors


def fold_generator(tensors: Tensors, condition: Tensor) -> Tensors:
    """A conditional generator's tensors as those of an unconditional one.

    Args:
        tensors: of `popgan.networks.progressive.Generator`, built for K conditions.
        condition: K numbers; a mixture of classes is possible.
    """
    embedded = tensors["embedding.weight"] @ condition + tensors["embedding.bias"]
    length = len(embedded)
    folded = {name: value for name, value in tensors.items() if not name.startswith("embedding.")}
    for name, weight in tensors.items():
        if name.endswith((".style.weight", "dense.weight")):
            bias = name.removesuffix("weight") + "bias"
            folded[name] = weight[:, :-length].contiguous()
            folded[bias] = tensors[bias] + weight[:, -length:] @ embedded
    return folded


def fold_discriminator(tensors: Tensors, condition: Tensor) -> Tensors:
    """A conditional discriminator's tensors as those of an unconditional one.

    Args:
        tensors: of `popgan.networks.progressive.Discriminator`, built for K conditions.
        condition: K numbers.
    """
    embedded = tensors["projection.weight"] @ condition + tensors["projection.bias"]
    folded = {name: value for name, value in tensors.items() if not name.startswith("projection.")}
    folded["logit.weight"] = tensors["logit.weight"] + embedded / math.sqrt(len(embedded))
    return folded
