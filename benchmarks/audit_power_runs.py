"""Real runs under the audit: an honest popgan, one that has memorised patients, one of too few."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import popgan
from popgan.attack.code import Code
from popgan.cohort import Cohort, IngestOptions
from popgan.config.schema import Plan
from popgan.progress import Reporter
from popgan.seeds import numpy_rng, torch_rng
from popgan.stations.audit import audit, audit_images
from popgan.stations.draw import synthesise
from popgan.stations.ingest import ingest_station
from popgan.stations.model import Model
from popgan.synthesis.sample import latents, load_generator

DRAWN = 2000
PATIENTS = 40
"""Who is learnt by heart: a tenth of the 400 trained with, one slice each."""
COPIES = 0.05
"""Share of the released images that show one of them; the rest is drawn honestly."""
STEPS = 400
RATE = 2e-3
NEAR = 0.1  # standard deviation of the noise about a latent vector, whose own is one


def trained(cohort: Cohort, images: int) -> Model:
    """popgan's quick preset, as a user would train it, for so many images."""
    overrides: dict[str, Any] = {"train.images": images, "train.threads": 1, "train.snapshots": 0}
    plan = popgan.make_plan(
        cohort, recipe="popgan", preset="quick", budget=None, seed=0, overrides=overrides
    )
    return popgan.train(plan, cohort, name="honest", reporter=Reporter())


def honest(cohort: Cohort, images: int) -> dict[str, Any]:
    """The whole audit of an honestly trained generator, its own controls included."""
    found = audit(trained(cohort, images), cohort, n=DRAWN)
    return found.model_dump(mode="json") | {"verdict": found.verdict().model_dump(mode="json")}


def memorising(cohort: Cohort, images: int) -> dict[str, Any]:
    """The audit of images of which some come from latent vectors that hold patients."""
    model = trained(cohort, images)
    plan = model.plan()
    generator = load_generator(model.weights_path, plan)
    targets = learnt_by_heart(cohort)
    drawn = synthesise(model, DRAWN, seed=1)
    copies = draw_copies(generator, plan, targets, round(COPIES * DRAWN))
    drawn[: len(copies)] = copies
    found = audit_images(model, cohort, drawn)
    flagged = {flag.synthetic for flag in found.private.flags}
    return found.shared.model_dump(mode="json") | {
        "memorised_patients": PATIENTS,
        "copies_drawn": len(copies),
        "copies_flagged": len(flagged & set(range(len(copies)))),
        "others_flagged": len(flagged - set(range(len(copies)))),
    }


def learnt_by_heart(cohort: Cohort) -> Tensor:
    """One slice each of some training patients, K x C x H x W."""
    owners = np.array(cohort.subjects("train"))
    rng = numpy_rng(0, "learnt by heart")
    names = rng.permutation(np.unique(owners))[:PATIENTS]
    places = [int(rng.choice(np.flatnonzero(owners == name))) for name in names]
    return torch.from_numpy(cohort.images("train")[places])


def draw_copies(
    generator: nn.Module, plan: Plan, targets: Tensor, count: int
) -> NDArray[np.float32]:
    """Fit a copy of a generator to images through fixed latent vectors; draw near these."""
    generator = copy.deepcopy(generator).requires_grad_(True)
    optimiser = torch.optim.Adam(generator.parameters(), lr=RATE, betas=(0.9, 0.99))
    z = latents(plan, 1, range(len(targets)))
    for step in range(STEPS):
        noise = NEAR * torch.randn(z.shape, generator=torch_rng(1, "near", step))
        optimiser.zero_grad()
        drawn = Code(generator, plan, z + noise, None).draw()
        (drawn - targets).square().mean().backward()
        optimiser.step()
    order = torch.arange(count) % len(targets)
    near = z[order] + NEAR * torch.randn((count, z.shape[1]), generator=torch_rng(1, "copies"))
    with torch.no_grad():
        images = Code(generator.requires_grad_(False), plan, near, None).draw().clamp(-1, 1)
    found: NDArray[np.float32] = images.float().contiguous().cpu().numpy()
    return found


def ixi(work: Path, scans: Path, images: int) -> dict[str, Any]:
    """The whole audit of an honest generator of 40 people."""
    options = IngestOptions.parse(keep_skull=True, bias_field="off", intensity="percentile")
    cohort = ingest_station(scans, work / "ixi", options, reporter=Reporter())
    return honest(cohort, images)
