"""Where a result comes from: versions, machine, time. Nothing here identifies a patient or user.

The same record goes into every run, sidecar and report, so that a number can be traced to the
software and the hardware that made it.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from popgan._version import __version__

PACKAGES = (
    *("torch", "numpy", "scipy", "nibabel", "nilearn", "pillow", "pydantic", "safetensors"),
    *("pydicom", "simpleitk", "deepbet"),
)


def cpu_name() -> str:
    """The processor's name as the system states it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Cores this process may use (respects affinity masks, unlike os.cpu_count)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Versions of popgan, Python and the packages that shape its numbers."""
    found = {"popgan": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def machine() -> dict[str, Any]:
    """Processor, cores, memory (GiB) and system. No host name, no user name."""
    import psutil

    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def record() -> dict[str, Any]:
    """Versions, machine and time in one dictionary."""
    return {"versions": versions(), "machine": machine(), "created": now()}
