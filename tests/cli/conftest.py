"""The run that is made once and looked at by many tests."""

from small_runs import finished

__all__ = ["finished"]
