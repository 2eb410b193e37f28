"""The full-precision guide of Zhuang, Shen, Tan, Liu, Reid: a float twin, trained alongside.

Both networks see the same images. On chosen maps their difference is a loss of both: it leads the
quantized network, and keeps the twin where the quantized one can follow.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn

from rfcn.quantized.settings import GuideSettings, SettingsError


class Guide(nn.Module):
    """The float twin of a model, and the hints between the two.

    Parameters
    ----------
    model : the model while it is still float; it is copied.
    settings : maps and factor.

    Attributes
    ----------
    twin : the copy; its parameters are to be given to the optimizer if `settings.train`.

    Raises
    ------
    SettingsError : the model has no module of such a name.
    """

    def __init__(self, model: nn.Module, settings: GuideSettings) -> None:
        super().__init__()
        modules = dict(model.named_modules())
        for name in settings.maps:
            if name not in modules:
                raise SettingsError(f"the guide cannot give hints on {name!r}: no such module")
        self.settings = settings
        self.twin = deepcopy(model)
        if not settings.train:
            self.twin.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "Guide":
        """Switch modes; a twin that does not learn stays in evaluation mode."""
        super().train(mode)
        if not self.settings.train:
            self.twin.eval()
        return self

    def forward(self, *args, **kwargs):
        """What the twin returns; without gradients if it does not learn."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.settings.train):
            return self.twin(*args, **kwargs)

    @contextmanager
    def watch(self, model: nn.Module) -> Iterator[dict[str, dict[str, Tensor]]]:
        """Collect the maps of `model` and of the twin that are computed within the context.

        Yields
        ------
        {"model": maps, "twin": maps}, filled by the forward passes; give it to `loss`.
        """
        seen: dict[str, dict[str, Tensor]] = {"model": {}, "twin": {}}
        hooks = []
        for key, network in (("model", model), ("twin", self.twin)):
            for name in self.settings.maps:

                def keep(_module, _args, output, into=seen[key], name=name):
                    into[name] = output

                hooks.append(network.get_submodule(name).register_forward_hook(keep))
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()

    def loss(self, seen: Mapping[str, Mapping[str, Tensor]]) -> Tensor:
        """The hint loss: weight * mean over the maps of |a - b|^2 / |b|^2, b the twin's map.

        Its gradient goes to both networks if the twin learns; the norm |b|^2 is held fixed.

        Raises
        ------
        SettingsError : a map was not computed within the context.
        """
        parts = []
        for name in self.settings.maps:
            if name not in seen["model"] or name not in seen["twin"]:
                raise SettingsError(
                    f"the map {name} was not computed: run both networks within watch()"
                )
            mine, guiding = seen["model"][name].float(), seen["twin"][name].float()
            if not self.settings.train:
                guiding = guiding.detach()
            norm = guiding.detach().square().mean().clamp_min(1e-12)
            parts.append((mine - guiding).square().mean() / norm)
        return self.settings.weight * torch.stack(parts).mean()
