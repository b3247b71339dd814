"""What is scanned and how: a sequence for each contrast, from popgan or from a YAML file.

A protocol file may hold three parts, each of them optional:

    sequences:                     # by contrast; values that are left out stay as they are
      T1w: {kind: spgr, tr: 18, te: 10, angle: 30}
      FLAIR: {ti: 2400}
    tissues:                       # by tissue; holds at the field that is simulated
      ms: {t1: 1300, t2: 110}
    artefacts:                     # in every scan
      ghosting: {ghosts: 2, strength: 0.2}

Times are in ms, angles in degrees.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgan.errors import UserError
from popgan.files import read_yaml
from popgan.phantom.artefacts import NONE, Artefacts, artefacts_from
from popgan.phantom.signal import flair, mprage, spin_echo, spoiled_gradient_echo
from popgan.phantom.tissue import Tissue, known, tissue
from popgan.phantom.values import mapping, number, only

# Kind of sequence -> its closed form and the settings that it takes.
_KINDS: dict[str, tuple[Callable[..., float], tuple[str, ...]]] = {
    "spin_echo": (spin_echo, ("tr", "te")),
    "flair": (flair, ("tr", "te", "ti")),
    "spgr": (spoiled_gradient_echo, ("tr", "te", "angle")),
    "mprage": (mprage, ("tr", "te", "ti", "angle", "echo_spacing", "pulses")),
}
_RANGES = {"angle": (0.1, 180.0), "pulses": (1.0, 2000.0)}
_LONGEST = 60_000.0  # ms


@dataclass(frozen=True)
class Sequence:
    """Settings of one pulse sequence.

    Attributes:
        kind: spin_echo, flair (inversion-recovery spin echo), spgr (spoiled gradient echo) or
            mprage (inversion-prepared gradient echo).
        tr, te, ti: repetition, echo and inversion time, ms; `ti` where there is an inversion.
        angle: flip angle of the excitation, degrees; gradient echoes only.
        echo_spacing, pulses: of the train of excitations, ms and number; MPRAGE only.
    """

    kind: str
    tr: float
    te: float
    ti: float | None = None
    angle: float | None = None
    echo_spacing: float | None = None
    pulses: int | None = None

    def signal(self, material: Tissue) -> float:
        """Signal of a tissue; negative where it is still inverted."""
        formula, names = _KINDS[self.kind]
        return formula(material, **{name: getattr(self, name) for name in names})

    def sidecar(self) -> dict[str, float | str | list[str]]:
        """The settings as BIDS sidecar fields; times in seconds, angles in degrees."""
        gradient = self.kind in ("spgr", "mprage")
        echo = "GR" if gradient else "SE"
        found: dict[str, float | str | list[str]] = {
            "RepetitionTime": _seconds(self.tr),
            "EchoTime": _seconds(self.te),
            "FlipAngle": self.angle if gradient and self.angle is not None else 90,
            "ScanningSequence": echo if self.ti is None else [echo, "IR"],
        }
        if self.ti is not None:
            found["InversionTime"] = _seconds(self.ti)
        return found

    def check(self, name: str) -> Sequence:
        """The sequence itself, if it can be played out.

        Raises:
            UserError: a setting is missing, superfluous or out of its range.
        """
        if not isinstance(self.kind, str) or self.kind not in _KINDS:
            raise UserError(
                f"no kind of sequence is called {self.kind!r}",
                where=name,
                do=f"choose among {', '.join(_KINDS)}",
            )
        taken = _KINDS[self.kind][1]
        for key in (f.name for f in dataclasses.fields(self) if f.name != "kind"):
            _check_value(name, self.kind, key, getattr(self, key), key in taken)
        self._check_timing(name)
        return self

    def _check_timing(self, name: str) -> None:
        """Everything must fit into the repetition time."""
        if self.te >= self.tr:
            raise UserError(
                f"TE {self.te:g} ms does not fit into TR {self.tr:g} ms",
                where=name,
                do="give a TE below TR",
            )
        if self.echo_spacing is not None and self.te >= self.echo_spacing:
            raise UserError(
                f"TE {self.te:g} ms does not fit between excitations "
                f"{self.echo_spacing:g} ms apart",
                where=name,
                do="give a TE below echo_spacing",
            )
        if self.ti is None:
            return
        low, high = 0.0, self.tr - self.te
        if self.pulses is not None and self.echo_spacing is not None:
            low = self.pulses * self.echo_spacing / 2
            high = self.tr - low
        if not low < self.ti < high or low >= high:
            raise UserError(
                f"TI {self.ti:g} ms does not fit into TR {self.tr:g} ms",
                where=name,
                do=f"give a TI between {low:g} and {high:g} ms"
                if low < high
                else "give fewer pulses, closer together, or a longer TR",
            )


SEQUENCES: dict[str, Sequence] = {
    "T1w": Sequence("mprage", 2300, 3, ti=900, angle=9, echo_spacing=7, pulses=176),
    "T2w": Sequence("spin_echo", 4000, 95),
    "PDw": Sequence("spin_echo", 3300, 20),
    "FLAIR": Sequence("flair", 9000, 120, ti=2500),
    "T1wCE": Sequence("mprage", 2300, 3, ti=900, angle=9, echo_spacing=7, pulses=176),
}
"""The sequence of each contrast; T1wCE is the T1w sequence after gadolinium."""


@dataclass(frozen=True)
class Protocol:
    """How a cohort is scanned.

    Attributes:
        field: tesla, 1.5 or 3.
        sequences: by contrast.
        tissues: tissues whose values at this field differ from popgan's.
        artefacts: what spoils every scan.
    """

    field: float = 3.0
    sequences: Mapping[str, Sequence] = dataclasses.field(default_factory=lambda: dict(SEQUENCES))
    tissues: Mapping[str, Tissue] = dataclasses.field(default_factory=dict)
    artefacts: Artefacts = NONE

    def sequence(self, contrast: str) -> Sequence:
        """The sequence of a contrast.

        Raises:
            UserError: the protocol has none of this name.
        """
        if contrast not in self.sequences:
            raise UserError(
                f"the phantom has no contrast {contrast!r}",
                do=f"choose among {', '.join(self.sequences)}",
            )
        return self.sequences[contrast]

    def tissue(self, name: str) -> Tissue:
        """A tissue's values at the protocol's field."""
        return self.tissues.get(name) or tissue(name, field=self.field)


def load_protocol(path: Path | None = None, *, field: float = 3.0) -> Protocol:
    """Popgan's protocol, changed by a file.

    Raises:
        UserError: the file is not readable, or says something that cannot be.
    """
    tissue("wm", field=field)
    if path is None:
        return Protocol(field)
    return parse_protocol(read_yaml(path), field=field, where=str(path))


def parse_protocol(content: Any, *, field: float = 3.0, where: str = "protocol") -> Protocol:
    """A protocol from the content of a YAML file; see the head of this file.

    Raises:
        UserError: unknown names, or values out of range.
    """
    parts = mapping({} if content is None else content, where)
    only(parts, ("sequences", "tissues", "artefacts"), where)
    sequences = dict(SEQUENCES)
    for name, given in mapping(parts.get("sequences", {}), f"{where}: sequences").items():
        if name not in SEQUENCES:
            raise UserError(
                f"the phantom has no contrast {name!r}",
                where=where,
                do=f"choose among {', '.join(SEQUENCES)}",
            )
        sequences[name] = _changed(name, mapping(given, f"{where}: {name}"), where)
    if "T1wCE" not in parts.get("sequences", {}):
        sequences["T1wCE"] = sequences["T1w"]  # before and after the agent are scanned alike
    tissues: dict[str, Tissue] = {}
    for name, given in mapping(parts.get("tissues", {}), f"{where}: tissues").items():
        known(name, where=where)
        tissues[name] = _tissue(name, mapping(given, f"{where}: {name}"), field, where)
    spoilt = artefacts_from(parts.get("artefacts", {}), where=f"{where}: artefacts")
    return Protocol(field, sequences, tissues, spoilt)


def _changed(name: str, given: Mapping[str, Any], where: str) -> Sequence:
    """A sequence with some settings changed; another kind brings all of its settings."""
    names = tuple(f.name for f in dataclasses.fields(Sequence))
    place = f"{where}: {name}"
    only(given, names, place)
    same = given.get("kind", SEQUENCES[name].kind) == SEQUENCES[name].kind
    base = dataclasses.asdict(SEQUENCES[name]) if same else dict.fromkeys(names)
    return Sequence(**{**base, **given}).check(place)


def _tissue(name: str, given: Mapping[str, Any], field: float, where: str) -> Tissue:
    place = f"{where}: {name}"
    only(given, ("t1", "t2", "pd"), place)
    for key, value in given.items():
        number(value, f"{place}: {key}", 0.01, 2.0 if key == "pd" else 1e5)
    return dataclasses.replace(tissue(name, field=field), **given)


def _check_value(name: str, kind: str, key: str, value: Any, taken: bool) -> None:
    """One setting: there if it is taken, absent if not, and a number in its range."""
    if not taken:
        if value is not None:
            raise UserError(f"a sequence of kind {kind} takes no {key}", where=name)
        return
    if value is None:
        raise UserError(f"a sequence of kind {kind} needs {key}", where=name)
    low, high = _RANGES.get(key, (0.0 if key == "te" else 0.01, _LONGEST))
    number(value, f"{name}: {key}", low, high)
    if key == "pulses" and value != int(value):
        raise UserError(f"{value} pulses are not possible", where=name, do="give a whole number")


def _seconds(milliseconds: float) -> float:
    return round(milliseconds / 1000, 7)
