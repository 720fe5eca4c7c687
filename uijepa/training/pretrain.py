"""Stage 1: JEPA pretraining of the encoder on clips, labels unused."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uijepa.data.batches import Order, TokenBatch, collate
from uijepa.data.cache import TokenSource
from uijepa.data.manifest import Clip
from uijepa.data.vary import recolour
from uijepa.errors import UijepaError
from uijepa.jepa.masks import Kind, hidden
from uijepa.jepa.objective import Batch, Objective
from uijepa.jepa.schedule import linear, warmup_cosine
from uijepa.jepa.verdict import Verdict, judge
from uijepa.models.encoder import Encoder
from uijepa.training import sharding
from uijepa.training.checkup import Checkup
from uijepa.training.config import PretrainConfig, TrainConfig
from uijepa.training.device import autocast
from uijepa.training.distributed import World
from uijepa.training.optimizer import Group, Optimizer
from uijepa.video import normalise


class Collapsed(UijepaError):
    """The representation no longer tells clips apart, look after look."""

    code = "collapsed"


class Best(NamedTuple):
    """The encoder to keep so far."""

    collapsed: bool
    lidar: float
    step: int
    numbers: dict[str, float]
    weights: dict[str, Tensor]


class View(NamedTuple):
    """A batch as one mask kind shows it: [B, N], True where a token is to be predicted; and the values, recoloured
    where that is asked for, [B, N, 1536] u8."""

    hidden: NDArray[np.bool_]
    values: NDArray[np.uint8]


def share(clips: Sequence[Clip], part: float) -> list[Clip]:
    """That part of the clips, by a hash of their names: a smaller part is some of a larger one."""
    if part == 1:
        return list(clips)
    names = {clip.path: clip.id or Path(clip.path).name for clip in clips}
    turn = {path: hashlib.blake2b(name.encode(), digest_size=8).digest() for path, name in names.items()}
    chosen = {clip.path for clip in sorted(clips, key=lambda c: (turn[c.path], c.path))[: round(part * len(clips))]}
    return [clip for clip in clips if clip.path in chosen]


class Pretraining:
    """Encoder, EMA target and predictor, trained on the clips of the train split, or a share of them."""

    name = "pretrain"

    def __init__(
        self,
        config: TrainConfig,
        encoder: Encoder,
        cache: TokenSource,
        clips: Sequence[Clip],
        device: torch.device,
        *,
        world: World = World(),  # noqa: B008 (frozen)
    ) -> None:
        self.config: PretrainConfig = config.pretrain
        self.steps = self.config.steps
        self.evaluate_every = self.config.evaluate_every
        self._seed = config.seed
        self._precision = config.precision
        self._device = device
        self._world = world
        self._cache = cache
        maskable = [c for c in clips if c.path in cache and cache.count(c.path) >= 2 * self.config.masks.least]
        self._clips = share([c for c in maskable if c.split == "train"], self.config.share)
        self._checkup = Checkup(
            cache, maskable, most=self.config.held_out, batch=self.config.batch, seed=config.seed, device=device
        )
        self.best: Best | None = None
        self.numbers: dict[str, float] = {}
        """Of the last look."""
        self.verdict = Verdict("unknown: not looked at yet")
        self._collapsed = 0
        parts = world.size * self.config.accumulate
        self._order = Order([cache.count(c.path) for c in self._clips], self.config.batch, config.seed, parts)
        self.objective = Objective(encoder, self.config.objective).to(device)
        self._sharded = self.config.fsdp and world.size > 1
        if self._sharded:
            trunks = (
                part.trunk for part in (self.objective.encoder, self.objective.target, self.objective.predictor)
            )
            sharding.shard(self.objective, (block for trunk in trunks for block in trunk.blocks))
        matrices = [p for p in self.objective.parameters() if p.requires_grad and p.ndim > 1]
        vectors = [p for p in self.objective.parameters() if p.requires_grad and p.ndim <= 1]
        lr, decay = self.config.lr, self.config.weight_decay
        groups = [Group(matrices, lr, decay), Group(vectors, lr)]
        self._optimizer = Optimizer(self.config.optimizer, groups, betas=(0.9, 0.95))

    @property
    def encoder(self) -> Encoder:
        """The encoder as of now: the EMA target, as in V-JEPA; for masked pixels too, to treat both alike.

        Where it is sharded, a whole copy: all processes must ask for it.
        """
        if not self._sharded:
            return self.objective.target
        with torch.random.fork_rng(devices=[]):
            copied = Encoder(self.objective.target.config)
        copied.load_state_dict(sharding.whole(self.objective.target.state_dict()))
        return copied.to(self._device).requires_grad_(False)

    def step(self, step: int) -> dict[str, float]:
        config = self.config
        lr = warmup_cosine(step, self.steps, config.warmup, config.lr, config.lr / 100)
        decay = linear(step, self.steps, config.weight_decay, config.weight_decay_end)
        for group in self._optimizer.param_groups:
            group.update(lr=lr, weight_decay=decay if group["weight_decay"] else 0.0)
        drawn = self._drawn(step)
        shares = self._world.shares([[int(view.hidden.sum()) for view in views] for _, views in drawn])
        self._optimizer.zero_grad()
        logged = []
        for (tokens, views), share in zip(drawn, shares.tolist(), strict=True):
            with autocast(self._device, self._precision):
                terms = self.objective(self._batch(tokens, views, share), step)
            (terms["loss"] / len(drawn)).backward()
            logged.append({name: float(value.detach()) for name, value in terms.items()})
        if not self._sharded:  # a sharded backward pass has averaged them
            self._world.average(self.objective.parameters())
        norm = torch.nn.utils.clip_grad_norm_(self.objective.parameters(), config.clip_grad)
        self._optimizer.step()
        self.objective.update_target(linear(step, round(1.25 * self.steps), config.momentum, config.momentum_end))
        return self._world.mean(logged) | {"lr": lr, "gradient": float(sharding.whole(norm))}

    def _drawn(self, step: int) -> list[tuple[TokenBatch, list[View]]]:
        """This process's parts of a step's batch, each with its views, one for each mask kind.

        A clip's views depend on its place in the whole batch only, not on how the batch is dealt out.
        """
        drawn = []
        for part in self._world.parts(list(enumerate(self._order.indices(step))), self.config.accumulate):
            rngs = [np.random.default_rng([self._seed, step, place]) for place, _ in part]
            tokens = collate(self._cache, [self._clips[clip] for _, clip in part])
            drawn.append((tokens, [self._view(tokens, kind, rngs) for kind in self.config.masks.kinds]))
        return drawn

    def _view(self, tokens: TokenBatch, kind: Kind, rngs: Sequence[np.random.Generator]) -> View:
        mask = np.zeros_like(tokens.mask)
        values = tokens.values.copy() if self.config.recolour else tokens.values
        for row, (grid, rng) in enumerate(zip(tokens.grids, rngs, strict=True)):
            count = int(tokens.mask[row].sum())
            mask[row, :count] = hidden(kind, tokens.positions[row, :count], grid, self.config.masks, rng)
            if self.config.recolour:
                values[row, :count] = recolour(values[row, :count], rng, self.config.recolour)
        return View(mask, values)

    def _batch(self, tokens: TokenBatch, views: Sequence[View], shares: Sequence[float]) -> Batch:
        recoloured = views if self.config.recolour else []
        return Batch(
            self._tensor(normalise(tokens.values)),
            self._tensor(tokens.positions),
            self._tensor(tokens.mask),
            tuple(self._tensor(view.hidden) for view in views),
            tuple(shares),
            tuple(self._tensor(normalise(view.values)) for view in recoloured),
        )

    def _tensor(self, array: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    def evaluate(self, step: int) -> dict[str, float]:
        """Health of the target encoder on held-out clips; nothing when there are fewer than two.

        After the warm-up the encoder with the best LiDAR is kept, or the latest one (`keep`): no label has a say in
        it. One that has collapsed is kept only while there is none that has not.
        """
        encoder = self.encoder
        numbers = self._checkup.look(encoder)
        if not numbers:
            return numbers
        self.numbers = numbers
        self.verdict = judge(numbers, len(self._checkup.held_out))
        if step <= self.config.warmup:
            return numbers
        self._collapsed = self._collapsed + 1 if self.verdict.collapsed else 0
        collapsed, lidar = self.verdict.collapsed, numbers["lidar"]
        if self.best is None or self._better(collapsed, lidar, self.best):
            weights = {name: value.detach().cpu().clone() for name, value in encoder.state_dict().items()}
            self.best = Best(collapsed, lidar, step, numbers, weights)
        return numbers

    def _better(self, collapsed: bool, lidar: float, best: Best) -> bool:
        if collapsed != best.collapsed:
            return best.collapsed
        return self.config.keep == "last" or lidar > best.lidar

    def judge(self, step: int) -> str:
        """The verdict on the last look; raises Collapsed when it was of a collapse too often in a row."""
        if self.config.patience and self._collapsed >= self.config.patience:
            raise Collapsed(
                f"{self.name}: stopped at step {step}, collapsed at {self._collapsed} looks in a row. "
                f"The last was {self.verdict.words}. pretrain.patience = 0 goes on regardless."
            )
        return self.verdict.words

    def chosen(self) -> tuple[Encoder, int, dict[str, float]]:
        """The encoder to keep (the last one without held-out clips), its step and its numbers."""
        encoder = copy.deepcopy(self.encoder).cpu()
        if self.best is None:
            return encoder, self.steps, self.numbers
        encoder.load_state_dict(self.best.weights)
        return encoder, self.best.step, self.best.numbers

    def state(self) -> dict[str, Any]:
        return {
            "objective": sharding.whole(self.objective.state_dict()),
            "optimizer": sharding.whole(self._optimizer.state_dict()),
            "best": None if self.best is None else list(self.best),
            "health": {"numbers": self.numbers, "words": self.verdict.words, "collapsed": self._collapsed},
        }

    def restore(self, state: dict[str, Any]) -> None:
        sharding.load_module(self.objective, state["objective"])
        sharding.load_optimizer(self._optimizer, state["optimizer"])
        self.best = None if state["best"] is None else Best(*state["best"])
        health = state["health"]
        self.numbers, self._collapsed = health["numbers"], health["collapsed"]
        self.verdict = Verdict(health["words"], health["collapsed"] > 0)
