"""What rules are told of the machine and, beyond the plan's own facts, of the cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class MachineFacts:
    """What rules need to know of the machine.

    Attributes:
        cores: usable ones.
        device: what trains, "CPU" or "CUDA".
        bf16: whether convolutions in bfloat16 are faster than in float32 there.
        processor: its name; empty where it is not known.
        memory_gib: of the machine.
        gpu: name of the graphics card; None where there is none.
        gpu_memory_gib: its memory.
    """

    cores: int
    device: str
    bf16: bool
    processor: str = ""
    memory_gib: float | None = None
    gpu: str | None = None
    gpu_memory_gib: float | None = None

    @property
    def named(self) -> str:
        """What trains, for a sentence."""
        name = self.gpu or self.processor
        kind = "GPU" if self.gpu else self.device
        return f"{kind} ({name})" if name else kind

    @property
    def room_gib(self) -> float | None:
        """Memory that training can have at most; None where it is not known."""
        return self.gpu_memory_gib if self.gpu else self.memory_gib


@dataclass(frozen=True)
class CohortFacts:
    """What reasons say about the cohort.

    Attributes:
        classes: training slices of each class label.
        noise: standard deviation of the scans' noise within the head, as a share of their range;
            None where it was not measured.
    """

    classes: Mapping[str, int] = field(default_factory=dict)
    noise: float | None = None

    @classmethod
    def of(cls, fingerprint: Mapping[str, Any]) -> CohortFacts:
        """From the fingerprint of a cohort, of whatever version."""
        found = fingerprint.get("balance", {}).get("classes", {})
        levels = [one["median"] for one in fingerprint.get("noise", {}).values()]
        return cls(
            {name: int(counts["train_slices"]) for name, counts in found.items()},
            sum(levels) / len(levels) if levels else None,
        )

    @property
    def balance(self) -> str:
        """How many training slices each class has, in words; empty where there are no classes."""
        if len(self.classes) < 2:
            return ""
        most, least = max(self.classes.values()), min(self.classes.values())
        shown = sorted(self.classes.items(), key=lambda item: (-item[1], item[0]))
        words = ", ".join(f"{name} {count}" for name, count in shown[:6])
        words += f" and {len(shown) - 6} more" if len(shown) > 6 else ""
        times = f", the largest {most / least:.2g} times the smallest" if least else ""
        return f"{words} training slices{times}"
