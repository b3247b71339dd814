"""One phantom subject from parameters to scans: the Python API of the phantom.

`draw` says who somebody is, `simulate` scans them; `make_subject` does both. Between the two
anything can be changed, and everything else stays as it was:

    someone = draw(seed=0, index=3, study=Study(lesions="tumour"))
    ill = simulate(someone)
    well = simulate(dataclasses.replace(someone, lesions=None))
    old = simulate(at_age(someone, 80))
    weaker = simulate(someone, Study(protocol=Protocol(field=1.5)))
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.phantom.anatomy import head, tissue_names
from popgan.phantom.artefacts import NONE, Artefacts, draw_artefacts
from popgan.phantom.lesions import KINDS, draw_lesions
from popgan.phantom.parameters import SubjectParameters, at_age, draw_subject
from popgan.phantom.protocol import Protocol, Sequence
from popgan.phantom.scanner import scan
from popgan.phantom.site import Site, site_of
from popgan.phantom.template import load_template
from popgan.phantom.tissue import LESIONS, Name

_LOW = (-108.0, -126.0, -96.0)  # mm, corner of the field of view
_SIZE = (216.0, 240.0, 192.0)  # mm
_MOST_SITES = 100


@dataclass(frozen=True)
class Study:
    """What all subjects of a cohort share.

    Attributes:
        contrasts: of T1w, T2w, PDw, FLAIR, T1wCE.
        protocol: field, sequences, tissue values, artefacts of every scan.
        spacing: isotropic voxel size, mm, 1 to 8.
        lesions: none, ms, tumour, or mixed (with healthy subjects among them).
        skull: False leaves the brain alone, with zeros around it.
        sites: scanners; subjects go to them in turn. With one there are no site effects.
        artefacts: share of scans with one artefact of usual strength, 0 to 1.
        procedural: a brain of ellipsoids instead of the MNI atlas.
    """

    contrasts: tuple[str, ...] = ("T1w",)
    protocol: Protocol = dataclasses.field(default_factory=Protocol)
    spacing: float = 2.0
    lesions: str = "none"
    skull: bool = True
    sites: int = 1
    artefacts: float = 0.0
    procedural: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.spacing) and 1 <= self.spacing <= 8):
            raise UserError(
                f"a phantom of {self.spacing:g} mm is not possible", do="give 1 to 8 mm"
            )
        for name in self.contrasts:
            self.protocol.sequence(name)
        if not self.contrasts or len(set(self.contrasts)) < len(self.contrasts):
            raise UserError(
                f"the phantom cannot have the contrasts {', '.join(self.contrasts) or '(none)'}",
                do=f"choose among {', '.join(self.protocol.sequences)}, each once",
            )
        if self.lesions not in KINDS:
            raise UserError(
                f"the phantom has no lesions of kind {self.lesions!r}",
                do=f"choose among {', '.join(KINDS)}",
            )
        if not 1 <= self.sites <= _MOST_SITES:
            raise UserError(f"{self.sites} sites are not possible", do=f"give 1 to {_MOST_SITES}")
        if not 0 <= self.artefacts <= 1:
            raise UserError(
                f"artefacts in {self.artefacts:g} of the scans are not possible",
                do="give a share from 0 to 1",
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the field of view."""
        x, y, z = (max(1, round(size / self.spacing)) for size in _SIZE)
        return x, y, z

    @property
    def affine(self) -> NDArray[np.float64]:
        """Voxel indices to RAS+ millimetres, 4 x 4."""
        affine = np.diag([self.spacing, self.spacing, self.spacing, 1.0])
        affine[:3, 3] = _LOW
        return affine


@dataclass(frozen=True)
class Subject:
    """A scanned subject.

    Attributes:
        parameters: who it is.
        site: where it was scanned.
        tissues: names of the fractions' channels.
        fractions: float32, tissues x X x Y x Z, in [0, 1].
        scans: int16, X x Y x Z, by contrast.
        sequences: as played out at the site, by contrast.
        artefacts: what was spoilt, by contrast.
        affine: voxel indices to RAS+ millimetres.
        field: tesla.
        skull: whether there is more than the brain.
    """

    parameters: SubjectParameters
    site: Site
    tissues: tuple[Name, ...]
    fractions: NDArray[np.float32]
    scans: Mapping[str, NDArray[np.int16]]
    sequences: Mapping[str, Sequence]
    artefacts: Mapping[str, Artefacts]
    affine: NDArray[np.float64]
    field: float
    skull: bool

    def fraction(self, name: Name) -> NDArray[np.float32]:
        """Fraction of one tissue; zeros where the subject has none of it."""
        if name not in self.tissues:
            return np.zeros(self.fractions.shape[1:], np.float32)
        return self.fractions[self.tissues.index(name)]

    def labels(self) -> NDArray[np.uint8]:
        """The prevailing part of the brain: 1 CSF, 2 grey, 3 white, 4 lesion, 0 none of them."""
        brain = np.stack([self.fraction(name) for name in ("csf", "gm", "wm")])
        if self.parameters.lesions is not None:
            brain = np.concatenate([brain, self._ill()[None]])
        return np.where(brain.sum(axis=0) > 0.5, brain.argmax(axis=0) + 1, 0).astype(np.uint8)

    def lesion_mask(self) -> NDArray[np.uint8]:
        """1 where at least half of a voxel is ill: MS lesions; tumour, necrosis and oedema."""
        return (self._ill() >= 0.5).astype(np.uint8)

    def _ill(self) -> NDArray[np.float32]:
        return np.sum([self.fraction(name) for name in LESIONS], axis=0, dtype=np.float32)


def draw(
    seed: int, index: int = 0, study: Study | None = None, *, age: float | None = None
) -> SubjectParameters:
    """Who subject `index` of a study is: (seed, index) decide, and the kind of lesions asked for.

    Raises:
        UserError: an age outside 20 to 85 years, or nilearn is missing.
    """
    study = study or Study()
    found = draw_subject(seed, index)
    if age is not None:
        found = at_age(found, age)
    if study.lesions == "none":
        return found
    template = load_template(procedural=study.procedural)
    return dataclasses.replace(found, lesions=draw_lesions(study.lesions, seed, index, template))


@contextmanager
def one_core() -> Iterator[None]:
    """Torch on one thread: shared among several, it rounds differently in the last digit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def simulate(parameters: SubjectParameters, study: Study | None = None) -> Subject:
    """Scan a subject.

    Raises:
        UserError: nilearn is missing.
    """
    with one_core():
        return _simulate(parameters, study or Study())


def _simulate(parameters: SubjectParameters, study: Study) -> Subject:
    template = load_template(procedural=study.procedural)
    fractions = head(
        parameters,
        template,
        origin=_LOW,
        spacing=study.spacing,
        shape=study.shape,
        skull=study.skull,
    )
    site = site_of(parameters.seed, parameters.index, study.sites)
    spoilt = {name: _artefacts(parameters, name, study) for name in study.contrasts}
    scans = {
        name: scan(
            fractions,
            parameters,
            name,
            protocol=study.protocol,
            site=site,
            artefacts=spoilt[name],
            spacing=study.spacing,
        )
        for name in study.contrasts
    }
    if not study.skull:
        # Brain extraction sets what it takes away to zero, noise included.
        inside = (fractions.sum(dim=0) > 0.5).numpy()
        scans = {name: data * inside for name, data in scans.items()}
    sequences = {name: site.adapted(study.protocol.sequence(name)) for name in study.contrasts}
    return Subject(
        parameters=parameters,
        site=site,
        tissues=tissue_names(parameters),
        fractions=fractions.numpy(),
        scans=scans,
        sequences=sequences,
        artefacts=spoilt,
        affine=study.affine,
        field=study.protocol.field,
        skull=study.skull,
    )


def make_subject(
    seed: int, index: int = 0, *, age: float | None = None, field: float = 3.0, **options: Any
) -> Subject:
    """Draw and scan a subject.

    Args:
        seed: of the population.
        index: which subject of it.
        age: in years, 20 to 85; drawn if not given.
        field: tesla, 1.5 or 3, unless a protocol is given.
        options: of `Study`.

    Raises:
        UserError: an impossible value.
    """
    options.setdefault("protocol", Protocol(field))
    study = Study(**options)
    study.protocol.tissue("wm")
    return simulate(draw(seed, index, study, age=age), study)


def _artefacts(parameters: SubjectParameters, contrast: str, study: Study) -> Artefacts:
    """Those that the protocol asks for in every scan, or else what chance has for this one."""
    if study.protocol.artefacts != NONE:
        return study.protocol.artefacts
    return draw_artefacts(parameters.seed, parameters.index, contrast, share=study.artefacts)
