"""Stage 2: the projector and the decoder learn to say intents, the encoder frozen or tuned along."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from uijepa.data.augment import misread, recital, swap_values
from uijepa.data.batches import Order, TokenBatch, collate, padded
from uijepa.data.cache import TokenSource
from uijepa.data.manifest import Clip
from uijepa.data.vary import vary
from uijepa.errors import ManifestError
from uijepa.jepa.schedule import warmup_cosine
from uijepa.models.system import System
from uijepa.sequence import Sequence as Prompt
from uijepa.training import sharding
from uijepa.training.config import TrainConfig, TuneConfig
from uijepa.training.device import autocast
from uijepa.training.distributed import World
from uijepa.training.optimizer import Group, Optimizer
from uijepa.video import normalise

IGNORED = -100


class Example(NamedTuple):
    """What is asked, and the answer to it."""

    ids: list[int]
    """Of `<sep> text <sep> intent <eos>`."""
    prompt: int
    """How many of them come before the intent."""


class Said(NamedTuple):
    """What the system made of some examples."""

    loss: Tensor
    """Mean cross-entropy over the intents' tokens."""
    reading: Tensor
    """Likewise over the tokens of the screens' text; 0 where that was not asked for."""
    right: float
    """Share of the intents' tokens predicted right."""


EVALUATED = 256
"""Most validation clips looked at in one evaluation."""


class Tuning:
    """Cross-entropy on the intent's tokens, text alone first, then video and text."""

    name = "decoder"

    def __init__(
        self,
        config: TrainConfig,
        system: System,
        cache: TokenSource,
        clips: Sequence[Clip],
        device: torch.device,
        *,
        world: World = World(),  # noqa: B008 (frozen)
    ) -> None:
        self.config: TuneConfig = config.tune
        self.steps = self.config.text_steps + self.config.steps
        self.evaluate_every = self.config.evaluate_every
        self.system = system.to(device)
        self.best: tuple[float, int, dict[str, Tensor]] | None = None
        self._seed = config.seed
        self._precision = config.precision
        self._device = device
        self._world = world
        self._cache = cache
        self._prompt = Prompt(system.tokenizer, config.decoder.text_tokens)
        labelled = [c for c in clips if c.intent and c.path in cache]
        self._train = [c for c in labelled if c.split == "train"]
        self._val = [c for c in labelled if c.split == "val"][:EVALUATED]
        if not self._train:
            raise ManifestError("no clip of the train split has an intent: there is nothing to tune the decoder on.")
        words = [len(self._asked(c.intent, cache[c.path].text).ids) for c in self._train]
        lengths = [cache.count(c.path) + count for c, count in zip(self._train, words, strict=True)]
        parts = world.size * self.config.accumulate
        self._order = Order(lengths, self.config.batch, config.seed, parts)
        self._text_order = Order(words, self.config.text_batch, config.seed + 1, parts)
        self._words = sorted(
            {w for c in self._train for line in cache[c.path].text for w in line.split() if w.isalpha()}
        )
        self.system.encoder.requires_grad_(self.config.encoder_lr > 0)
        language = [p for n, p in system.named_parameters() if p.requires_grad and not n.startswith("encoder.")]
        groups = [Group(language, self.config.lr, self.config.weight_decay)]
        if self.config.encoder_lr:
            groups.append(Group(list(system.encoder.parameters()), self.config.encoder_lr, self.config.weight_decay))
        self._optimizer = Optimizer(self.config.optimizer, groups, (0.9, 0.98), system.tables)

    def step(self, step: int) -> dict[str, float]:
        config = self.config
        text_only = step < config.text_steps
        for group in self._optimizer.param_groups:
            group["lr"] = warmup_cosine(step, self.steps, config.warmup, group["peak"], group["peak"] / 50)
        torch.manual_seed(int(np.random.default_rng([self._seed, 2, step]).integers(2**63)))  # for dropout
        drawn = self._drawn(step, text_only)
        shares = self._world.shares(
            [[sum(len(e.ids) - e.prompt for e in each), sum(e.prompt - 1 for e in each)] for _, each in drawn]
        )
        self.system.train()
        self._optimizer.zero_grad()
        logged = []
        for (seen, examples), (answers, screens) in zip(drawn, shares.tolist(), strict=True):
            with autocast(self._device, self._precision):
                said = self._said(seen, examples, reads=config.read_weight > 0)
            loss = answers * said.loss + config.read_weight * screens * said.reading
            (loss / len(drawn)).backward()
            logged.append({"loss": answers * float(said.loss.detach()), "accuracy": answers * said.right})
            if config.read_weight:
                logged[-1]["reading"] = screens * float(said.reading.detach())
        trained = self._optimizer.parameters
        self._world.average(trained)
        norm = torch.nn.utils.clip_grad_norm_(trained, config.clip_grad)
        self._optimizer.step()
        lr = self._optimizer.param_groups[0]["lr"]
        return self._world.mean(logged) | {"lr": lr, "gradient": float(norm)}

    def _drawn(self, step: int, text_only: bool) -> list[tuple[TokenBatch | None, list[Example]]]:
        """This process's parts of a step's batch: what is seen of its clips (None: text alone), and asked of each.

        What augmentation does to a clip depends on its place in the whole batch only, not on how it is dealt out.
        A step recites with all its clips or none: recitals are short, and would be padded beside real screens.
        """
        order = self._text_order if text_only else self._order
        reciting = text_only and np.random.default_rng([self._seed, 3, step]).random() < self.config.recite
        drawn = []
        for part in self._world.parts(list(enumerate(order.indices(step))), self.config.accumulate):
            clips = [self._train[clip] for _, clip in part]
            rngs = [np.random.default_rng([self._seed, 1, step, place]) for place, _ in part]
            if reciting:
                examples = [self._recital(rng) for rng in rngs]
            else:
                examples = [self._example(c, rng, text_only) for c, rng in zip(clips, rngs, strict=True)]
            drawn.append((None if text_only else self._seen(clips, rngs), examples))
        return drawn

    def _seen(self, clips: Sequence[Clip], rngs: Sequence[np.random.Generator]) -> TokenBatch:
        config = self.config
        varied = [
            vary(self._cache[c.path], rng, recoloured=config.recolour, thinned=config.thin)
            for c, rng in zip(clips, rngs, strict=True)
        ]
        return padded(clips, varied)

    def _said(self, seen: TokenBatch | None, examples: Sequence[Example], *, reads: bool = False) -> Said:
        longest = max(len(e.ids) for e in examples)
        tokens = np.full((len(examples), longest), self._prompt.pad, np.int64)
        labels = np.full((2, len(examples), longest), IGNORED, np.int64)
        lengths = np.array([len(e.ids) for e in examples])
        for row, (ids, prompt) in enumerate(examples):
            tokens[row, : len(ids)] = ids
            # The logits at a place are of the next token.
            labels[0, row, prompt - 1 : len(ids) - 1] = ids[prompt:]
            labels[1, row, : prompt - 1] = ids[1:prompt]
        features, mask = self._features(seen, len(examples))
        wanted, read = self._tensor(labels)
        asked = (wanted != IGNORED) | ((read != IGNORED) & reads)
        logits = self.system(features, mask, self._tensor(tokens), self._tensor(lengths), asked)
        loss, right = _cross_entropy(logits, wanted[asked])
        reading = _cross_entropy(logits, read[asked])[0] if reads else torch.zeros_like(loss)
        return Said(loss, reading, right)

    def _recital(self, rng: np.random.Generator) -> Example:
        intent, lines = recital(self._words, rng)
        return self._asked(intent, misread(lines, rng, self.config.misread))

    def _example(self, clip: Clip, rng: np.random.Generator | None, text_only: bool) -> Example:
        """What is asked about a clip. No `rng`: no augmentation."""
        intent, lines = clip.intent, self._cache[clip.path].text
        config = self.config
        if rng is not None:
            if rng.random() < config.swap:
                intent, lines = swap_values(intent, lines, clip.slots, self._words, rng)
            lines = misread(lines, rng, config.misread)
            if not text_only and rng.random() < config.text_dropout:
                lines = []
        return self._asked(intent, lines)

    def _asked(self, intent: str, lines: Sequence[str]) -> Example:
        prompt = self._prompt.prompt_ids(lines)
        return Example([*prompt, *self._prompt.intent_ids(intent), self._prompt.eos], len(prompt))

    def _features(self, seen: TokenBatch | None, clips: int) -> tuple[Tensor, Tensor]:
        if seen is None:
            empty = torch.zeros((clips, 0, self.system.encoder.config.width), device=self._device)
            return empty, torch.zeros((clips, 0), dtype=torch.bool, device=self._device)
        mask = self._tensor(seen.mask)
        with torch.set_grad_enabled(self.config.encoder_lr > 0 and torch.is_grad_enabled()):
            values = self._tensor(normalise(seen.values))
            return self.system.encoder(values, self._tensor(seen.positions), mask), mask

    def _tensor(self, array: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    @torch.no_grad()
    def evaluate(self, step: int) -> dict[str, float]:
        """Loss and token accuracy on the validation split; the weights with the lowest loss are kept."""
        if not self._val:
            return {}
        self.system.eval()
        text_only = step <= self.config.text_steps
        sums = np.zeros(3)
        for start in range(0, len(self._val), self.config.batch):
            clips = self._val[start : start + self.config.batch]
            seen = None if text_only else collate(self._cache, clips)
            with autocast(self._device, self._precision):
                said = self._said(seen, [self._example(c, None, text_only) for c in clips])
            sums += np.array([float(said.loss), said.right, 1.0]) * len(clips)
        loss_mean = float(sums[0] / sums[2])
        if not text_only and (self.best is None or loss_mean < self.best[0]):
            weights = {name: value.detach().cpu().clone() for name, value in self.system.state_dict().items()}
            self.best = (loss_mean, step, weights)
        return {"val_loss": loss_mean, "val_accuracy": float(sums[1] / sums[2])}

    def judge(self, step: int) -> str:  # noqa: ARG002 (of the Stage protocol)
        return ""

    def chosen(self) -> tuple[System, int]:
        """The system with the lowest validation loss (the last one without validation clips), and its step."""
        if self.best is None:
            return self.system, self.steps
        system = copy.copy(self.system)
        system.load_state_dict(self.best[2])
        return system, self.best[1]

    def state(self) -> dict[str, Any]:
        best = None if self.best is None else list(self.best)
        return {"system": self.system.state_dict(), "optimizer": self._optimizer.state_dict(), "best": best}

    def restore(self, state: dict[str, Any]) -> None:
        self.system.load_state_dict(state["system"])
        sharding.load_optimizer(self._optimizer, state["optimizer"])
        best = state["best"]
        self.best = None if best is None else (best[0], best[1], best[2])


def _cross_entropy(logits: Tensor, wanted: Tensor) -> tuple[Tensor, float]:
    """Its mean over the places that are wanted, and the share of them predicted right."""
    scored = wanted != IGNORED
    chosen = logits[scored].float()
    right = (chosen.argmax(-1) == wanted[scored]).float().mean()
    return F.cross_entropy(chosen, wanted[scored]), float(right)
