"""Attacks on a trained generator itself: inversion, and a copy that was made to memorise."""
