"""Untrusted image files in, `Scan` objects out."""

from popgan.scans.discover import Discovery, discover
from popgan.scans.reader import read_scan
from popgan.scans.scan import Found, Quarantined, Scan, ScanError

__all__ = ["Discovery", "Found", "Quarantined", "Scan", "ScanError", "discover", "read_scan"]
