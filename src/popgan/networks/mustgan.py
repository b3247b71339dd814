"""mustGAN: a stream for each source, one for all of them, and a joint network behind their fusion.

Yurt et al., "mustGAN: multi-stream generative adversarial networks for MR image synthesis" (Medical
Image Analysis 70, 2021, arXiv 1909.11504): one-to-one streams learn what each source alone tells of
the target, the many-to-one stream what they tell together; feature maps of all streams are
concatenated at one place, and a joint network leads from there to the image.

Here the joint network starts as the many-to-one stream: its weights are a copy, and the fusing
1 x 1 convolution passes that stream's features on and nothing else. So it begins as good as the
stream and learns what the others add; before the fusion that stream learns on with it. Places of
fusion share the joint network while they compete, each with a fusing convolution of its own (weight
sharing as in one-shot architecture search, Bender et al., ICML 2018).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from popgan.networks.translator import ResNetGenerator

NO_PLACE = -1  # instead of a place of fusion: the many-to-one stream alone
ABSENT = -1.0  # what the planes of a missing source hold: air, which no head is made of alone


class MustGAN(nn.Module):
    """Sources to target.

    Args:
        sources: K, how many.
        planes: channels of each source (a slice and its neighbours).
        width, halvings, blocks, norm, skips: of every stream; see `ResNetGenerator`.
        fusion: names of the places that compete; a single one is taken.

    Attributes:
        chosen: number in `fusion` of the place that was chosen; -1 = not yet. A buffer: exported
            with the weights.
        dropped: length of a row of `keep`: that of one stream; all streams and the joint network
            drop the same.
    """

    chosen: Tensor

    def __init__(
        self,
        *,
        sources: int,
        planes: int,
        width: int,
        halvings: int,
        blocks: int,
        norm: str,
        skips: bool,
        fusion: list[str],
    ) -> None:
        super().__init__()

        def network(inputs: int, start: int = 0) -> ResNetGenerator:
            return ResNetGenerator(
                inputs=inputs,
                width=width,
                halvings=halvings,
                blocks=blocks,
                norm=norm,
                skips=skips,
                start=start,
            )

        self.planes = planes
        self.streams = nn.ModuleList(network(planes) for _ in range(sources))
        self.many = network(planes * sources)
        self.places = [self.many.names.index(name) for name in fusion]
        self.joint = network(1, start=min(self.places) + 1)
        self.fuse = nn.ModuleList(
            nn.Conv2d(self.many.widths[place] * (sources + 1), self.many.widths[place], 1)
            for place in self.places
        )
        self.dropped = self.many.dropped
        self.register_buffer("chosen", torch.tensor(0 if len(fusion) == 1 else -1))
        self._known, self._chosen = -1, -1

    def stream(
        self, x: Tensor, which: int, keep: Tensor | None = None, present: Tensor | None = None
    ) -> Tensor:
        """What one stream makes of the sources: which < K one-to-one, K the many-to-one stream.

        Returns:
            N x 1 x H x W, mostly in [-1, 1].
        """
        return self._network(which).run(self._seen(x, which, present), keep, [])

    def forward(
        self,
        x: Tensor,
        keep: Tensor | None = None,
        present: Tensor | None = None,
        place: int | None = None,
    ) -> Tensor:
        """Translate.

        Args:
            x: N x (K * planes) x H x W in [-1, 1], source after source.
            keep: N x `dropped` factors of dropout; None drops nothing.
            present: N x K, 1 where a source is there and 0 where not; None: all are.
            place: number of the place of fusion; the chosen one by default, or the first as long
                as none is. `NO_PLACE`: the many-to-one stream, which needs none.

        Returns:
            N x 1 x H x W, mostly in [-1, 1], float32.
        """
        if place == NO_PLACE:
            return self.stream(x, len(self.streams), keep, present)
        place = max(0, self.choice) if place is None else place
        behind, beside = self.places[place] + 1, list[Tensor]()
        # One-to-one streams are finished when the joint network is trained: they only deliver.
        with torch.no_grad():
            features = [
                self._features(x, which, behind, keep, present, beside)
                for which in range(len(self.streams))
            ]
        # The many-to-one stream is the way in and learns on: behind a late place of fusion the
        # joint network alone would be a layer or two. It comes last: direct paths begin there.
        features.append(self._features(x, len(self.streams), behind, keep, present, beside))
        fused = self.fuse[place](torch.cat(features, 1))
        if behind <= self.joint.halvings:
            beside[-1] = fused
        return self.joint.run(fused, keep, beside, first=behind)

    @property
    def choice(self) -> int:
        """`chosen` as a number, read from its device only when it has changed."""
        version = self.chosen._version
        if version != self._known:
            self._known, self._chosen = version, int(self.chosen)
        return self._chosen

    @torch.no_grad()
    def start_joint(self) -> None:
        """Make the joint network the many-to-one stream, whatever the place of fusion."""
        own = self.many.parts[self.joint.start :]
        self.joint.parts.load_state_dict(own.state_dict())
        for conv, place in zip(self.fuse, self.places, strict=True):
            assert isinstance(conv, nn.Conv2d) and conv.bias is not None
            maps = self.many.widths[place]
            nn.init.zeros_(conv.weight)
            nn.init.zeros_(conv.bias)
            conv.weight[:, -maps:] = torch.eye(maps)[:, :, None, None]

    def _network(self, which: int) -> ResNetGenerator:
        network = self.many if which == len(self.streams) else self.streams[which]
        assert isinstance(network, ResNetGenerator)
        return network

    def _seen(self, x: Tensor, which: int, present: Tensor | None) -> Tensor:
        """The planes that a stream sees; those of a missing source are air."""
        x = without_missing(x, present, self.planes)
        if which == len(self.streams):
            return x
        return x[:, which * self.planes : (which + 1) * self.planes]

    def _features(
        self,
        x: Tensor,
        which: int,
        last: int,
        keep: Tensor | None,
        present: Tensor | None,
        beside: list[Tensor],
    ) -> Tensor:
        """Features of a stream; `beside` gets those of its way down."""
        beside.clear()
        seen = self._seen(x, which, present)
        found = self._network(which).run(seen, keep, beside, last=last)
        if present is None or which == len(self.streams):
            return found
        # A stream that saw nothing says nothing.
        return found * present[:, which, None, None, None].to(found.dtype)


def without_missing(x: Tensor, present: Tensor | None, planes: int) -> Tensor:
    """Sources with air in place of those that are missing.

    Args:
        x: N x (K * planes) x H x W.
        present: N x K, 1 or 0; None: all are there.
        planes: channels of each source.
    """
    if present is None:
        return x
    there = present.repeat_interleave(planes, 1)[:, :, None, None] > 0
    return torch.where(there, x, torch.full((), ABSENT, dtype=x.dtype, device=x.device))
