"""The recipe `mustgan`: streams first, then a joint network behind the best place of fusion.

Yurt et al. (Medical Image Analysis 2021); see `networks/mustgan.py`. Training has three parts, by
images seen: the streams, each with a discriminator of its own; the joint network while
places of fusion compete, one a step in turn, so that each sees as many images; the joint network
with the place that was nearest to the tuning split. From the second part on the one-to-one streams
stay as their averages are, and the many-to-one stream learns on as far as the place of fusion, as
the way in; its discriminator goes on as the joint network's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from popgan.config.network import MustGANNetwork
from popgan.config.schema import Plan
from popgan.networks.mustgan import NO_PLACE, MustGAN
from popgan.networks.patchgan import PatchGANs
from popgan.objectives.adversarial import generator_loss
from popgan.recipes.common import network_of
from popgan.recipes.translation import Pair, judgement, paired, planes_of, reconstruction
from popgan.training.phase import Phase, Step
from popgan.training.state import TrainState


def build_generator(plan: Plan) -> MustGAN:
    """The plan's generator with fresh weights from torch's global random numbers."""
    shape = network_of(plan, MustGANNetwork)
    return MustGAN(
        sources=len(shape.sources),
        planes=planes_of(shape),
        width=shape.width,
        halvings=shape.halvings,
        blocks=shape.blocks,
        norm=shape.norm,
        skips=shape.skips,
        fusion=shape.fusion,
    )


def build_discriminator(plan: Plan) -> PatchGANs:
    """One discriminator for each source, and one for all: fresh weights."""
    shape = network_of(plan, MustGANNetwork)
    planes, count = planes_of(shape), len(shape.sources)
    return PatchGANs(
        inputs=[*([planes + 1] * count), planes * count + 1],
        width=shape.judge_width,
        layers=shape.judge_layers,
        norm=shape.norm,
    )


def phases(plan: Plan) -> list[Phase]:
    """Generator, then the discriminators on what it has just made."""
    return [Phase("Gmain", "G", 1, _generate), Phase("Dmain", "D", 1, _discriminate)]


def streams_until(plan: Plan) -> int:
    """Images seen when the streams are finished."""
    return round((plan.train.stream_share or 0.5) * plan.train.images)


def search_until(plan: Plan) -> int:
    """Images seen when the competing places of fusion can be judged."""
    return streams_until(plan) + round((plan.train.search_share or 0.0) * plan.train.images)


def joined(state: TrainState, plan: Plan) -> bool:
    """Whether the joint network has begun: until its first step it is random."""
    return state.images - plan.train.batch >= streams_until(plan)


def shown_place(state: TrainState, plan: Plan) -> int | None:
    """The place of fusion to show: `NO_PLACE` where the streams alone have learnt anything."""
    streams = isinstance(state.generator, MustGAN) and not joined(state, plan)
    return NO_PLACE if streams else None


def undecided(state: TrainState, plan: Plan) -> bool:
    """Whether places of fusion have competed and none is chosen yet."""
    generator = state.generator
    assert isinstance(generator, MustGAN)
    competed = joined(state, plan) and state.images >= search_until(plan)
    return competed and generator.choice < 0


def decide(state: TrainState, place: int) -> None:
    """Fuse streams at a place from now on."""
    for network in (state.generator, state.average):
        assert isinstance(network, MustGAN)
        network.chosen.fill_(place)


def _generate(step: Step) -> Tensor:
    shape = network_of(step.plan, MustGANNetwork)
    generator = step.state.generator
    assert isinstance(generator, MustGAN)
    pair = paired(step, shape, generator.dropped)
    seen = pair.seen(planes_of(shape))
    step.shared = {"sources": pair.sources, "seen": seen, "target": pair.target}
    if step.state.images < streams_until(step.plan):
        return _streams(step, generator, pair)
    _join(step)
    place = generator.choice
    if place < 0:
        place = step.index % len(generator.places)

    def joint(x: Tensor, keep: Tensor | None, present: Tensor | None) -> Tensor:
        image: Tensor = generator(x, keep, present, place)
        return image

    fake = step.by_rows(joint, pair.sources, pair.keep, pair.present)
    return _compared(step, fake, pair.target, len(generator.streams), 1)


def _streams(step: Step, generator: MustGAN, pair: Pair) -> Tensor:
    """The losses of the many-to-one stream and of one one-to-one stream, which take turns.

    So a step costs two streams, however many sources there are, and the stream that the joint
    network starts as learns in every step. One-to-one streams always see their source.
    """
    count, total = len(generator.streams), torch.zeros((), device=pair.target.device)
    for which in (step.index % count, count):

        def stream(
            x: Tensor, keep: Tensor | None, present: Tensor | None, which: int = which
        ) -> Tensor:
            return generator.stream(x, which, keep, present)

        present = pair.present if which == count else None
        fake = step.by_rows(stream, pair.sources, pair.keep, present)
        total = total + _compared(step, fake, pair.target, which, 2)
    return total


def _compared(step: Step, fake: Tensor, target: Tensor, which: int, of: int) -> Tensor:
    """Loss of one network's translations; kept for the discriminator number `which`."""
    discriminator = step.state.discriminator
    pair = torch.cat([_shown(step, which), fake], 1)
    logits = step.by_rows(lambda x: discriminator(x, which), pair)
    loss = generator_loss(step.plan.train.loss, logits)
    step.state.sums["loss_generator"] += loss.detach() / of
    step.shared[f"fake {which}"] = fake.detach()
    return loss + reconstruction(step, fake, target, share=1 / of)


def _shown(step: Step, which: int) -> Tensor:
    """The sources that the discriminator number `which` sees."""
    shape = network_of(step.plan, MustGANNetwork)
    planes = planes_of(shape)
    if which == len(shape.sources):
        return step.shared["seen"]
    return step.shared["sources"][:, which * planes : (which + 1) * planes]


def _discriminate(step: Step) -> Tensor:
    shape = network_of(step.plan, MustGANNetwork)
    discriminator, target = step.state.discriminator, step.shared["target"]
    made = [which for which in range(len(shape.sources) + 1) if f"fake {which}" in step.shared]
    total = torch.zeros((), device=target.device)
    for which in made:
        shown, fake = _shown(step, which), step.shared[f"fake {which}"]
        both = torch.cat([torch.cat([shown, target], 1), torch.cat([shown, fake], 1)])
        logits = step.by_rows(lambda x, which=which: discriminator(x, which), both)
        total = total + judgement(step, *logits.chunk(2), share=1 / len(made))
    step.state.sums["steps"] += 1
    return total


def _join(step: Step) -> None:
    """At the first step behind the streams: they become their averages, the joint network starts.

    Done again, if memory was not enough for this step, it gives the same.
    """
    state = step.state
    if joined(state, step.plan):
        return
    assert isinstance(state.generator, MustGAN) and isinstance(state.average, MustGAN)
    for name in ("streams", "many"):
        getattr(state.generator, name).load_state_dict(getattr(state.average, name).state_dict())
    state.generator.start_joint()
    state.average.start_joint()
