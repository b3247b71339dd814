"""Sampling a trained generator and writing what it makes."""
