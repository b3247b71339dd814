"""What all tests share: paths to real data where there are any, one thread, isolation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine must not fail a property, and the same commit always gets the same verdict. New
# examples are drawn on purpose: `pytest --hypothesis-profile explore`.
settings.register_profile("popgan", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("popgan")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real MRI; the test is skipped where POPGAN_DATA is unset."""
    folder = os.environ.get("POPGAN_DATA")
    if not folder:
        pytest.skip("POPGAN_DATA is not set")
    return Path(folder)


@pytest.fixture(autouse=True)
def _alike_in_every_worker() -> None:
    """Parallel workers must not fight for cores, nor may a test draw what others before it left."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
