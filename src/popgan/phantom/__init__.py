"""The physics phantom: brains whose truth is known."""
