"""Subjects, splits, fingerprint and the memory-mapped slice store."""

from popgan.cohort.cohort import Cohort, SliceInfo
from popgan.cohort.options import IngestOptions

__all__ = ["Cohort", "IngestOptions", "SliceInfo"]
