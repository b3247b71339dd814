"""Anatomy of images: a small network that outlines tissues, and what they amount to."""
