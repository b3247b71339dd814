"""Differentiable augmentation of what the discriminator sees, safe for MRI."""
