"""StyleGAN2: a generator steered by styles and a residual discriminator, written from the papers.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (CVPR 2020, arXiv
1912.04958) and "Training Generative Adversarial Networks with Limited Data" (NeurIPS 2020, arXiv
2006.06676). Images have R = base x 2^k pixels a side, base 3 .. 8, square or not.
"""

from popgan.networks.stylegan2.discriminator import Discriminator
from popgan.networks.stylegan2.generator import Generator
from popgan.networks.stylegan2.shape import levels

__all__ = ["Discriminator", "Generator", "levels"]
