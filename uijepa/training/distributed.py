"""Several processes that train as one: `torchrun --nproc-per-node 2 -m uijepa.train …`.

A step's batch is a function of (seed, step), whatever the number of processes. It is dealt out clip by clip, and a
process works on its share in `accumulate` micro-batches, its *parts*. Losses that are means over tokens are weighted
by a part's tokens, and gradients are averaged over parts, so that the step is that of the undivided batch up to
rounding.

Gradients are averaged after the backward pass instead of by DistributedDataParallel: a stage calls several modules,
and in some steps not all of them, which that wrapper forbids or pays for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

T = TypeVar("T")

BUCKET = 16 * 2**20
"""Most gradient values sent at once: few messages, and little memory for the copy."""
PATIENCE = timedelta(days=2)
"""How long processes wait for the first one, which may have thousands of clips to decode."""


@dataclass(frozen=True)
class World:
    """The processes of a run, and which of them this is. Without torchrun: one."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process logs, and writes caches and checkpoints."""
        return self.rank == 0

    def parts(self, batch: Sequence[T], accumulate: int) -> list[Sequence[T]]:
        """This process's micro-batches of a batch. Dealt out in turn: a batch sorted by length gives like parts."""
        count = self.size * accumulate
        return [batch[number * self.size + self.rank :: count] for number in range(accumulate)]

    def shares(self, counts: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """How many tokens each part has over its fair share: [parts, kinds] of counts of the same shape.

        The mean over all parts of `share * mean over the part's tokens` is the mean over all tokens.
        """
        own = np.asarray(counts, dtype=np.float64)
        total = self._sum(own.sum(0))
        shares: NDArray[np.float64] = own * (self.size * len(own)) / np.maximum(total, 1)
        return shares

    def mean(self, parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Each number's mean over all parts of all processes."""
        sums = self._sum(np.array([[part[name] for name in parts[0]] for part in parts]).sum(0))
        return dict(zip(parts[0], (sums / (self.size * len(parts))).tolist(), strict=True))

    def any(self, flags: Sequence[bool]) -> list[bool]:
        """Each flag: is it raised in any process? All processes agree on the answer."""
        return [bool(count) for count in self._sum(np.array(flags, dtype=np.float64))]

    def average(self, parameters: Iterable[Tensor]) -> None:
        """Make each parameter's gradient the mean over processes."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        for bucket in _buckets(gradients):
            flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
            dist.all_reduce(flat)
            flat /= self.size
            for gradient, mean in zip(bucket, torch.split(flat, [g.numel() for g in bucket]), strict=True):
                gradient.copy_(mean.view_as(gradient))

    def wait(self) -> None:
        """Go on when every process has come here."""
        if self.size > 1:
            self._sum(np.zeros(1))

    def _sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.size == 1:
            return values
        tensor = torch.from_numpy(values.copy())
        dist.all_reduce(tensor)
        return tensor.numpy()


def _buckets(gradients: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Neighbours of one type, `BUCKET` values together at most (or a single larger one)."""
    bucket: list[Tensor] = []
    for gradient in gradients:
        full = sum(g.numel() for g in bucket) + gradient.numel() > BUCKET
        if bucket and (full or bucket[0].dtype != gradient.dtype):
            yield bucket
            bucket = []
        bucket.append(gradient)
    if bucket:
        yield bucket


@contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """The processes that torchrun started (its environment says so), connected while entered; or one alone.

    On CUDA each process of a machine takes the GPU of its own number.
    """
    size = _processes()
    if size == 1:
        yield World()
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield World(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()


def leave(status: int) -> NoReturn:
    """End this program with an exit status; as one of several processes at once, its output written.

    Sharding leaves caches inside PyTorch that keep gloo's threads past `destroy_process_group`. One that lets go of
    its last tensor while the interpreter shuts down aborts the process (pytorch/pytorch#179291), so it does not.
    """
    if _processes() == 1:
        sys.exit(status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))
