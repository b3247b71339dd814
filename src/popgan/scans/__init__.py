"""Untrusted image files in, `Scan` objects out."""
