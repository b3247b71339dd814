"""Which DICOM images are anatomical MRI, and why the others are not.

What the header states in codes is asked before words that people type. Reasons quote no free
text of a header, since people type names there.
"""

from __future__ import annotations

import re

from popgan.scans.dicom_header import DicomFile
from popgan.scans.names import words

_MR_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR image",
    "1.2.840.10008.5.1.4.1.1.4.1": "enhanced MR image",
    "1.2.840.10008.5.1.4.1.1.4.3": "enhanced MR colour image",
    "1.2.840.10008.5.1.4.1.1.4.4": "legacy converted enhanced MR image",
}
_SPECTROSCOPY = "1.2.840.10008.5.1.4.1.1.4.2"
_DICOMDIR = "1.2.840.10008.1.3.10"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

# What words of a description, a protocol or a sequence name say a series is.
_WORDS = {
    "localiser": "localizer localiser localisers localizers scout survey loc aahscout aahead "
    "aaheadscout 3plane threeplane smartbrain plan planning",
    "diffusion": "dwi dti diff diffusion hardi dsi noddi ivim trace tracew adc dadc eadc fa "
    "colfa exp isodwi",
    "perfusion or arterial spin labelling": "asl pcasl pasl casl perfusion perf dsc dce cbf cbv "
    "mtt ttp tmax relcbf m0",
    "functional": "fmri bold func epfid rest resting restingstate task moco mocoseries",
    "angiography": "tof angio mra mrv mip pca venography",
    "a field or calibration map": "fieldmap fieldmapping b0map b1map b1 b0 refscan calibration "
    "calib asset sense senseref tfl_b1map fmap gre_field_mapping coilsurvey",
    "susceptibility-weighted or its maps": "swi swan qsm minip mip_images pha phase",
    "spectroscopy": "svs csi mrs spectroscopy press steam mrsi",
}
_KIND_OF = {word: kind for kind, listed in _WORDS.items() for word in listed.split()}
# Neighbouring words that say it together.
_PHRASES = {
    "a field or calibration map": r"field[ _-]?map|b[01][ _-]?map",
    "localiser": r"3[ _-]?plane|three[ _-]?plane|aahead",
    "functional": r"resting[ _-]?state|ep2d[ _-]?bold",
    "diffusion": r"ep2d[ _-]?diff",
}
# Values of ImageType that tell what was computed from other images.
_COMPUTED = {
    "ADC": "diffusion (a map computed from it)",
    "EADC": "diffusion (a map computed from it)",
    "FA": "diffusion (a map computed from it)",
    "TRACEW": "diffusion (an average computed from it)",
    "TENSOR": "diffusion (a map computed from it)",
    "DIFFUSION": "diffusion",
    "PERFUSION": "perfusion or arterial spin labelling",
    "ASL": "perfusion or arterial spin labelling",
    "RELCBF": "perfusion or arterial spin labelling",
    "FMRI": "functional",
    "MOCO": "functional (corrected for motion)",
    "T-MAP": "a statistical map",
    "TTEST": "a statistical map",
    "PROJECTION IMAGE": "derived: a projection of a volume",
    "MIP": "derived: a projection of a volume",
    "MINIP": "derived: a projection of a volume",
    "MPR": "derived: reformatted from another series",
    "REFORMATTED": "derived: reformatted from another series",
    "SUBTRACT": "derived: a difference of two series",
    "SUBTRACTION": "derived: a difference of two series",
    "SCREEN SAVE": "a screenshot",
    "SWI": "susceptibility-weighted or its maps",
    "T1 MAP": "a quantitative map",
    "T2 MAP": "a quantitative map",
    "T2_STAR MAP": "a quantitative map",
    "R2 MAP": "a quantitative map",
    "B1 MAP": "a field or calibration map",
    "FIELD_MAP": "a field or calibration map",
}
_COMPONENTS = {
    "P": "phase",
    "PHASE": "phase",
    "PHASE MAP": "phase",
    "R": "real part",
    "REAL": "real part",
    "I": "imaginary part",
    "IMAGINARY": "imaginary part",
}


def no_image(file: DicomFile) -> str | None:
    """Why a file cannot be an MR image at all, or None."""
    if file.sop_class == _DICOMDIR:
        return "is an index of other files (DICOMDIR); files are found without it"
    if file.sop_class == _SPECTROSCOPY:
        return "is MR spectroscopy, no image"
    if file.sop_class.startswith(_SECONDARY_CAPTURE):
        return "is a secondary capture (a screenshot or a film), no scan"
    stated_mr = file.modality == "MR" or (not file.modality and file.sop_class in _MR_CLASSES)
    if not stated_mr:
        return f"is not MR (modality {_code(file.modality) or 'not stated'})"
    if file.sop_class and file.sop_class not in _MR_CLASSES:
        return "belongs to MR but is no image (a report, an overlay or the like)"
    if not file.pixels or not file.rows or not file.columns:
        return "holds no image"
    if file.samples != 1:
        return "is a colour picture made from a scan"
    if file.burned_in:
        return "has annotation burned into its pixels, which may name a patient"
    return None


def not_anatomical(file: DicomFile) -> str | None:
    """Why an MR image is no anatomical scan (localiser, functional, map ...), or None."""
    kinds = set(file.image_type)
    if "LOCALIZER" in kinds:
        return "localiser (by its image type)"
    for token, kind in _COMPUTED.items():
        if token in kinds:
            return f"{kind} (by its image type)"
    if file.diffusion:
        return "diffusion (by its header)"
    if file.parameters.stated in ("DIFFUSION", "PERFUSION"):
        return f"{file.parameters.stated.lower()} (by its header)"
    if file.labelling:
        return "perfusion or arterial spin labelling (by its header)"
    component = _component(file)
    if component is not None:
        return f"{component} of the signal, not its magnitude"
    if file.angio:
        return "angiography (by its header)"
    spoken = _spoken_kind(file)
    if "EP" in file.parameters.sequence:
        return f"{spoken or 'functional'} (echo-planar)"
    return None if spoken is None else f"{spoken} (by its description)"


def is_derived(file: DicomFile) -> bool:
    """Whether the image was computed or converted from another, by its own word."""
    return file.image_type[:1] == ("DERIVED",)


def _component(file: DicomFile) -> str | None:
    """The part of the complex signal that is shown, if not its magnitude."""
    if file.component in _COMPONENTS:
        return _COMPONENTS[file.component]
    # Values three onwards are the vendor's; "M" beside "P" cannot stand for phase.
    for value in file.image_type[2:4]:
        if value in _COMPONENTS and "M" not in file.image_type:
            return _COMPONENTS[value]
    return None


def _spoken_kind(file: DicomFile) -> str | None:
    for text in file.parameters.texts:
        for kind, pattern in _PHRASES.items():
            if re.search(pattern, text, re.IGNORECASE):
                return kind
        for word in words(text):
            if word in _KIND_OF:
                return _KIND_OF[word]
    return None


def _code(text: str) -> str:
    """A code of the standard, such as CT; anything longer may be free text."""
    return text if re.fullmatch(r"[A-Z]{2,8}", text) else ""
