"""The run that is made once and looked at by many tests."""

from main_line import finished

__all__ = ["finished"]
