"""Clips of all processes seen together, for what compares or averages clips."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def across(pooled_KBD: Tensor) -> Tensor:
    """The pooled features [K, B, D] of every process, as [K, sum of B, D]; where there is one process, its own.

    Each process must hold equally many clips. Every process then computes the same loss on the same clips, and
    gradients are averaged over processes afterwards. A process's own rows carry `processes` times their gradient,
    so that the average is the gradient of the one loss; the rows of others carry none.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return pooled_KBD
    size, rank = dist.get_world_size(), dist.get_rank()
    own = pooled_KBD.detach().contiguous()
    rows = [torch.empty_like(own) for _ in range(size)]
    dist.all_gather(rows, own)
    rows[rank] = own + size * (pooled_KBD - own)
    return torch.cat(rows, dim=1)


def summed(values: Tensor) -> Tensor:
    """The sum of every process's `values`; where there is one process, its own. Without gradient."""
    if dist.is_available() and dist.is_initialized():
        values = values.detach().contiguous()
        dist.all_reduce(values)
    return values
