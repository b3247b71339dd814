"""Subjects, splits, fingerprint and the memory-mapped slice store."""
