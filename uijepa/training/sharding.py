"""FSDP2: weights, gradients and optimiser state dealt out over processes, for encoders too large for one device.

What is saved is whole, so that a state goes on under any number of processes, sharded or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from uijepa.training.optimizer import Optimizer


def shard(module: nn.Module, blocks: Iterable[nn.Module]) -> None:
    """Deal a module's parameters out over all processes; each of `blocks` is gathered by itself, when it computes.

    Its backward pass then leaves gradients that are averaged over processes.
    """
    for block in blocks:
        fully_shard(block)
    fully_shard(module)


def whole(value: Any) -> Any:
    """The same nest of dicts and lists with every shard gathered, on the CPU. All processes must call it."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [whole(item) for item in value]
    if not isinstance(value, Tensor):
        return value
    return (value.full_tensor() if isinstance(value, DTensor) else value).detach().cpu()


def load_module(module: nn.Module, state: dict[str, Tensor]) -> None:
    """`module.load_state_dict`, from whole tensors into shards."""
    own = module.state_dict()
    module.load_state_dict({name: _like(own[name], value) for name, value in state.items()})


def load_optimizer(optimizer: Optimizer, states: list[dict[str, Any]]) -> None:
    """An optimiser's `state_dict` put back likewise; parameters come in the order of the groups."""
    for part, state in zip(optimizer.parts, states, strict=True):
        parameters = [p for group in part.param_groups for p in group["params"]]
        moments = {
            number: {
                name: _like(parameters[number], v) if torch.is_tensor(v) and v.ndim else v for name, v in mine.items()
            }
            for number, mine in state["state"].items()
        }
        part.load_state_dict({**state, "state": moments})


def _like(own: Tensor, value: Tensor) -> Tensor:
    if not isinstance(own, DTensor):
        return value
    return distribute_tensor(value.to(own.device), own.device_mesh, own.placements)
