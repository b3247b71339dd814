"""Which contrast a DICOM series shows: from its sequence parameters first, from its words second.

The parameters are what the physics depends on; a description is typed by people. The limits are
those of clinical practice: short TR and TE weight by T1, long TR and TE by T2, long TR with short
TE by proton density, and an inversion that nulls fluid makes a FLAIR (Bernstein, King and Zhou,
Handbook of MRI Pulse Sequences, 2004).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from popgan.scans.names import UNKNOWN, contrast_in, words

Confidence = Literal["high", "medium", "low"]

_FLUID_TI = 1500.0  # ms; fluid is nulled by inversion times from here on
_STIR_TI = 300.0  # ms; fat is nulled by inversion times up to here
_LONG_TE = 60.0  # ms; T2 weighting of a spin echo begins here
_SHORT_TE = 40.0
_LONG_TR = 1500.0
_T2STAR_TE = 12.0  # ms; a gradient echo this late is weighted by T2*
# What the standard's own attribute says of enhanced images (DICOM PS3.3, C.8.13.2).
_STATED = {
    "T1": "T1w",
    "T2": "T2w",
    "PROTON_DENSITY": "PDw",
    "FLUID_ATTENUATED": "FLAIR",
    "T2_STAR": "T2starw",
    "STIR": "STIR",
}
_NO_AGENT = {"", "no", "none", "n", "0", "nil", "without", "na", "nocontrast"}
_AGENT_WORDS = {"gd", "gad", "gado", "gadolinium", "post", "postcontrast", "ce", "km", "kontrast"}
_BEFORE = {"pre", "ohne", "without", "nativ", "native"}
_AFTER_PLUS = re.compile(r"\+\s*(c|gd|gad|contrast|km)\b", re.IGNORECASE)
# Names of sequences that say their contrast, besides those that names of files use.
_SEQUENCES = {
    "mprage": "T1w",
    "mp2rage": "T1w",
    "bravo": "T1w",
    "spgr": "T1w",
    "fspgr": "T1w",
    "tfe": "T1w",
    "flash": "T1w",
    "vibe": "T1w",
    "fsp": "T1w",
    "stir": "STIR",
    "tirm": "FLAIR",
    "swi": "T2starw",
    "t2star": "T2starw",
    "gre": "T2starw",
}


@dataclass(frozen=True)
class Parameters:
    """What a header says about how an image was made; times in ms, angles in degrees.

    Attributes:
        tr, te, ti: repetition, echo and inversion time; None where the header is silent.
        flip: flip angle.
        sequence: values of ScanningSequence: SE, IR, GR, EP, RM.
        variant: values of SequenceVariant: SK, MTC, SS, TRSS, SP, MP, OSP, NONE.
        three_d: whether the acquisition is 3D; None where the header is silent.
        agent: ContrastBolusAgent as it stands.
        stated: AcquisitionContrast of enhanced images.
        texts: description, protocol and sequence names, as typed.
    """

    tr: float | None = None
    te: float | None = None
    ti: float | None = None
    flip: float | None = None
    sequence: tuple[str, ...] = ()
    variant: tuple[str, ...] = ()
    three_d: bool | None = None
    agent: str = ""
    stated: str = ""
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recognised:
    """A contrast with the reason for it; the reason quotes no free text of a header."""

    contrast: str
    reason: str
    confidence: Confidence


def recognise(seen: Parameters) -> Recognised:
    """Name the contrast of a series.

    Returns:
        `T1w`, `T2w`, `FLAIR`, `PDw`, `T1wCE`, `T2starw`, `STIR` or `unknown`, with its reason.
        Confidence is high where the parameters are clear and the description does not object,
        medium where one of them is silent, low where they contradict each other.
    """
    measured, reason = _by_parameters(seen)
    named = _by_words(seen.texts)
    if measured is None and named is None:
        return Recognised(UNKNOWN, f"{reason}; the description names no contrast", "low")
    if measured is None:
        assert named is not None
        silent = not reason.startswith("nothing")
        best = Recognised(named, f"{reason}; named {named} in the description", "medium")
        return _with_agent(seen, best if silent else _lower(best))
    if named is None or _base(named) == measured:
        clear = seen.tr is not None and seen.te is not None
        sure: Confidence = "high" if clear and _inversion_known(seen, measured) else "medium"
        found = Recognised(measured, reason, sure)
    else:
        found = Recognised(measured, f"{reason}, though the description says {named}", "low")
    return _with_agent(seen, found)


def _lower(found: Recognised) -> Recognised:
    return Recognised(found.contrast, found.reason, "low")


def _base(contrast: str) -> str:
    return "T1w" if contrast == "T1wCE" else contrast


def _inversion_known(seen: Parameters, contrast: str) -> bool:
    """A FLAIR needs its inversion time to be told from a T2w beyond doubt."""
    return contrast != "FLAIR" or seen.ti is not None or bool(seen.stated)


def _by_parameters(seen: Parameters) -> tuple[str | None, str]:
    """The contrast that the parameters make, or None; and what they are, in words."""
    if seen.stated in _STATED:
        return _STATED[seen.stated], f"the header states AcquisitionContrast {seen.stated}"
    said = ", ".join(
        f"{name} {value:g} ms"
        for name, value in (("TR", seen.tr), ("TE", seen.te), ("TI", seen.ti))
        if value is not None
    )
    if seen.te is None:
        return None, said or "nothing is known of the sequence"
    kind = "/".join(seen.sequence)
    said = f"{kind} {said}" if kind else said
    if "GR" in seen.sequence:
        return _gradient_echo(seen), said
    return _spin_echo(seen), said


def _gradient_echo(seen: Parameters) -> str | None:
    assert seen.te is not None
    prepared = "IR" in seen.sequence or "MP" in seen.variant
    inversion = seen.ti is not None and seen.ti > 0
    if seen.te >= _T2STAR_TE:
        return "T2starw"
    if inversion and seen.ti is not None and seen.ti >= _FLUID_TI:
        return None  # a late inversion before a short gradient echo: no usual contrast
    if prepared or inversion:
        return "T1w"
    # Spoiled gradient echo: the flip angle makes the T1 weighting, a small one proton density.
    if seen.flip is not None and seen.flip < 6 and (seen.tr is None or seen.tr > 15):
        return "PDw"
    return "T1w"


def _spin_echo(seen: Parameters) -> str | None:
    assert seen.te is not None
    inversion = seen.ti if seen.ti is not None and seen.ti > 0 else None
    if seen.tr is None:
        return None
    if inversion is not None and seen.tr > _LONG_TR:
        if inversion >= _FLUID_TI:
            return "FLAIR"
        if inversion <= _STIR_TI:
            return "STIR"
        return "T1w" if seen.te < _SHORT_TE else None
    if seen.tr <= _LONG_TR:
        return "T1w" if seen.te <= _SHORT_TE else None
    if "IR" in seen.sequence:
        return "FLAIR" if seen.te >= _LONG_TE else None
    if seen.te >= _LONG_TE:
        # The header of a FLAIR without its inversion time looks like a T2w: ask the words.
        return "FLAIR" if _by_words(seen.texts) == "FLAIR" else "T2w"
    return "PDw" if seen.te <= _SHORT_TE else None


def _by_words(texts: tuple[str, ...]) -> str | None:
    """The contrast that a description, a protocol or a sequence name spells out."""
    for text in texts:
        # Digits of a resolution or a plane must not hide a word: `T1_3D`, `t1-mprage-sag`.
        named = contrast_in(text)
        if named is not None:
            return named
    for text in texts:
        for word in words(text):
            if word in _SEQUENCES:
                return _SEQUENCES[word]
            for name in ("mprage", "flair", "spgr", "stir"):
                if name in word:
                    return {"flair": "FLAIR", "stir": "STIR"}.get(name, "T1w")
    return None


def _with_agent(seen: Parameters, found: Recognised) -> Recognised:
    """T1w after gadolinium is a contrast of its own."""
    if found.contrast not in ("T1w", "T1wCE"):
        return found
    agent = "".join(words(seen.agent))
    if agent not in _NO_AGENT:
        return Recognised("T1wCE", f"{found.reason}; a contrast agent is stated", found.confidence)
    if found.contrast == "T1wCE":
        return found
    for text in seen.texts:
        spelled = set(words(text))
        after = bool(spelled & _AGENT_WORDS) or _AFTER_PLUS.search(text) is not None
        if after and not spelled & _BEFORE:
            reason = f"{found.reason}; the description tells of a contrast agent"
            return Recognised("T1wCE", reason, "low" if found.confidence == "low" else "medium")
    return found
