"""The physics phantom: brains whose truth is known.

Names are imported when they are first used, so that importing the package is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from popgan.phantom.cohort import write_cohort
    from popgan.phantom.parameters import SubjectParameters, at_age
    from popgan.phantom.protocol import Protocol, Sequence, load_protocol
    from popgan.phantom.streaming import axial_slices, stream
    from popgan.phantom.subject import Study, Subject, draw, make_subject, simulate

_HOME = {
    "Protocol": "protocol",
    "Sequence": "protocol",
    "Study": "subject",
    "Subject": "subject",
    "SubjectParameters": "parameters",
    "at_age": "parameters",
    "axial_slices": "streaming",
    "draw": "subject",
    "load_protocol": "protocol",
    "make_subject": "subject",
    "simulate": "subject",
    "stream": "streaming",
    "write_cohort": "cohort",
}

__all__ = [
    "Protocol",
    "Sequence",
    "Study",
    "Subject",
    "SubjectParameters",
    "at_age",
    "axial_slices",
    "draw",
    "load_protocol",
    "make_subject",
    "simulate",
    "stream",
    "write_cohort",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'popgan.phantom' has no attribute {name!r}")
    return getattr(importlib.import_module(f"popgan.phantom.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
