"""Batched, differentiable augmentation of what the discriminator sees."""
