"""Translations held against the true images of the same slices: the only place for MSE and PSNR."""
