"""The optimiser of both stages: AdamW, or Muon where a weight is a matrix and AdamW for what is left.

Muon (Jordan et al. 2024; scaled as in Liu et al. 2025, arXiv 2502.16982, so that AdamW's learning rates serve) makes
a step's matrix orthogonal: no direction of it is learned much sooner than another. It is torch's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

OptimizerName = Literal["adamw", "muon"]


@dataclass(frozen=True)
class Group:
    """Parameters that train alike."""

    parameters: Sequence[nn.Parameter]
    lr: float
    """Peak learning rate."""
    weight_decay: float = 0.0


class Optimizer:
    """One or two of torch's optimisers as one. Each of `param_groups` keeps its peak learning rate as "peak"."""

    def __init__(
        self,
        name: OptimizerName,
        groups: Iterable[Group],
        betas: tuple[float, float],
        tables: Iterable[Tensor] = (),
    ) -> None:
        """`tables`: matrices that are lists of rows, such as embeddings; they are AdamW's in any case."""
        spared = {id(table) for table in tables}
        by_muon, by_adamw = [], []
        for group in groups:
            matrices = [p for p in group.parameters if name == "muon" and p.ndim == 2 and id(p) not in spared]
            taken = {id(p) for p in matrices}
            by_muon += list(_settings(group, matrices))
            by_adamw += list(_settings(group, [p for p in group.parameters if id(p) not in taken]))
        self.parts: list[torch.optim.Optimizer] = []
        if by_adamw:
            self.parts.append(torch.optim.AdamW(by_adamw, betas=betas))
        if by_muon:
            self.parts.append(torch.optim.Muon(by_muon, adjust_lr_fn="match_rms_adamw"))

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for part in self.parts for group in part.param_groups]

    @property
    def parameters(self) -> list[nn.Parameter]:
        return [p for group in self.param_groups for p in group["params"]]

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def state_dict(self) -> list[dict[str, Any]]:
        """One state a part."""
        return [part.state_dict() for part in self.parts]


def _settings(group: Group, parameters: list[nn.Parameter]) -> Iterator[dict[str, Any]]:
    if parameters:
        yield {"params": parameters, "lr": group.lr, "peak": group.lr, "weight_decay": group.weight_decay}
