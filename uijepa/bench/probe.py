"""What frozen features know of a task from few labelled clips: the encoders side by side, as one JSON object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import Progress

from uijepa.bench import probing
from uijepa.bench.contenders import TEXT, Contender
from uijepa.bench.features import Features, encode, halves, tokens, where, words
from uijepa.bench.metrics import Interval
from uijepa.bench.probing import AttentiveProbe, ProbeConfig, See
from uijepa.bench.shots import Asked, Draw, Indices, Suite, draw, read
from uijepa.config import Preprocess, plain
from uijepa.errors import ConfigError, MissingExtra
from uijepa.jepa.health import view_agreement
from uijepa.training.device import autocast, pick_device

ProbeKind = Literal["attentive", "knn"]
PROBE_KINDS: tuple[ProbeKind, ...] = get_args(ProbeKind)
Right = npt.NDArray[np.bool_]
"""[seeds, test clips], whether each was put into its category."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to compare, and how."""

    suites: Sequence[Asked]
    contenders: Sequence[Contender]
    preprocess: Preprocess
    shots: tuple[int, ...] = (1, 2, 4, 8)
    """Labelled clips a category."""
    seeds: int = 3
    """Draws of the labelled clips, each with new weights of the probe and of an untrained encoder, or those of the
    next training run of one with several."""
    kinds: tuple[ProbeKind, ...] = PROBE_KINDS
    """The probes to fit; `attentive` costs by far the most."""
    probe: ProbeConfig = field(default_factory=ProbeConfig)
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        if not self.suites or not self.contenders:
            raise ConfigError("probe: name a --suite (or --across) and an --encoder.")
        if not self.shots or min(self.shots) < 1 or list(self.shots) != sorted(set(self.shots)):
            raise ConfigError(f"--shots {self.shots}: expected rising whole numbers, such as 1,2,4,8.")
        if self.seeds < 1:
            raise ConfigError(f"--seeds {self.seeds}: at least 1.")
        for contender in self.contenders:
            if len(contender.sha256) not in (0, 1, self.seeds):
                raise ConfigError(
                    f"--encoder {contender.name}: {len(contender.sha256)} folders for {self.seeds} seeds; "
                    "give one folder, or one a seed."
                )
            if not contender.frozen and "attentive" not in self.kinds:
                raise ConfigError(f"--encoder {contender.name}: is trained with the attentive probe; leave that in.")
            if contender.bare and "knn" not in self.kinds:
                raise ConfigError(f"--encoder {contender.name}: has no tokens to attend over; leave knn in.")
        if len({s.name for s in self.suites}) < len(self.suites):
            raise ConfigError("--suite: each name once.")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One cell of the comparison: an encoder under a probe at a number of shots."""

    encoder: str
    probe: str
    shots: int
    right: Right
    setting: Mapping[str, Any]
    """The settings chosen, the score they were chosen by, and on how many clips."""


def measure(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Run everything and return the results. Raises ConfigError, ManifestError, CheckpointError or MissingExtra."""
    device = pick_device(plan.device)
    results: dict[str, Any] = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "torch": torch.__version__,
        "seeds": plan.seeds,
        "interval": "95 %, bootstrap over seeds and test clips, each drawn anew (crossed)",
        "budget": plain(plan.probe),
        "preprocess": plain(plan.preprocess),
        "encoders": [c.as_json() for c in plan.contenders],
        **{part: [] for part in ("suites", "tasks", "rows", "differences", "silhouettes", "agreements", "chosen")},
    }
    for asked in plan.suites:
        suite = read(asked, plan.preprocess, progress)
        results["suites"].append(suite.origin)
        draws = {shots: [draw(suite, shots, seed) for seed in range(plan.seeds)] for shots in plan.shots}
        results["tasks"] += [task(suite, shots, mine[0]) for shots, mine in draws.items()]
        possible = {shots: mine for shots, mine in draws.items() if len(mine[0].categories) > 1}
        bar = progress.add_task(suite.name, total=len(plan.contenders) * max(len(possible), 1))
        found: list[Found] = []
        for contender in plan.contenders:
            bench = Bench(plan, suite, contender, device)
            progress.update(bar, description=f"{suite.name}: {contender.name}")
            results["silhouettes"] += bench.silhouettes()
            results["agreements"] += bench.agreement()
            for shots, mine in possible.items():
                found += bench.cells(shots, mine)
                progress.advance(bar)
        results["rows"] += [row(suite, f, plan.seeds) for f in found]
        results["differences"] += differences(suite, found)
        results["chosen"] += [
            {"suite": suite.name, "encoder": f.encoder, "probe": f.probe, "shots": f.shots, **f.setting}
            for f in found
        ]
    return results


class Bench:
    """One encoder on one suite."""

    def __init__(self, plan: Plan, suite: Suite, contender: Contender, device: torch.device) -> None:
        self._plan, self._suite, self._contender, self._device = plan, suite, contender, device
        self._features: list[Features] = []
        if contender.frozen and not contender.bare:
            for seed in range(plan.seeds if contender.seeded else 1):
                self._features.append(encode(contender.fresh(seed), suite.items, device, plan.precision))
        self._pooled = [_bare(contender, suite)] if contender.bare else []
        self._pooled += [features.pooled() for features in self._features]

    def _run(self, seed: int) -> int:
        """Which training run a seed takes."""
        return seed if self._contender.seeded else 0

    def cells(self, shots: int, draws: Sequence[Draw]) -> list[Found]:
        """The encoder at one number of shots, a draw a seed."""
        made: dict[ProbeKind, Callable[[int, Sequence[Draw]], Found]] = {
            "attentive": self._attentive,
            "knn": self._knn,
        }
        can: tuple[ProbeKind, ...] = self._plan.kinds
        if self._contender.bare:
            can = ("knn",)
        elif not self._contender.frozen:
            can = ("attentive",)
        return [made[kind](shots, draws) for kind in can]

    def _attentive(self, shots: int, draws: Sequence[Draw]) -> Found:
        def guesses(setting: tuple[float, float], seed: int) -> tuple[Indices, Indices]:
            lot = draws[seed]
            see, probe, encoder = self._pupil(lot, seed)
            probing.fit(see, probe, lot, self._plan.probe, setting=setting, seed=seed, encoder=encoder)
            if encoder is not None:
                encoder.eval()
            return probing.predict(see, probe, lot.choose), probing.predict(see, probe, lot.test)

        names = ("lr", "weight_decay")
        grid = self._plan.probe.grid
        return self._best("attentive", shots, draws, {s: dict(zip(names, s, strict=True)) for s in grid}, guesses)

    def _pupil(self, lot: Draw, seed: int) -> tuple[See, AttentiveProbe, torch.nn.Module | None]:
        """A new probe, how it sees clips, and the encoder to train with it, if any."""
        config = self._contender.config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            probe = AttentiveProbe(config.width, config.heads, len(lot.categories)).to(self._device)
        if self._contender.frozen:
            features = self._features[self._run(seed)]
            return lambda clips: features.batch(clips, self._device), probe, None
        encoder = self._contender.fresh(seed).to(self._device)

        def see(clips: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
            values, positions, mask = tokens([self._suite.items[i] for i in clips], self._device)
            with autocast(self._device, self._plan.precision):
                return encoder(values, positions, mask), mask

        return see, probe, encoder

    def _knn(self, shots: int, draws: Sequence[Draw]) -> Found:
        known = np.concatenate([self._suite.of("train"), self._suite.of("val")])
        pooled = [self._pooled[self._run(seed)] for seed in range(len(draws))]
        units = {c: [probing.spread_out(p, known, c) for p in pooled] for c in probing.CENTRINGS}

        def guesses(setting: tuple[str, int], seed: int) -> tuple[Indices, Indices]:
            lot, unit = draws[seed], units[setting[0]][seed]
            both = [probing.nearest(unit, lot.labels, lot.fit, asked, setting[1]) for asked in (lot.choose, lot.test)]
            return both[0], both[1]

        names = ("features", "neighbours")
        grid = {s: dict(zip(names, s, strict=True)) for s in probing.knn_grid()}
        return self._best("knn", shots, draws, grid, guesses)

    def _best(
        self, probe: str, shots: int, draws: Sequence[Draw], grid: Mapping[Any, Mapping[str, Any]], guesses: Any
    ) -> Found:
        """The setting that is right most often on the clips to choose on, over all seeds; the first without any."""
        choosing = [d.choose for d in draws]
        few = not all(map(len, choosing))
        best: tuple[float, Any, Right] | None = None
        for setting in list(grid)[: 1 if few else None]:
            said = [guesses(setting, seed) for seed in range(len(draws))]
            hits = [s[0] == d.labels[d.choose] for s, d in zip(said, draws, strict=True)]
            score = 0.0 if few else float(np.mean([h.mean() for h in hits]))
            if best is None or score > best[0]:
                right = np.stack([s[1] == d.labels[d.test] for s, d in zip(said, draws, strict=True)])
                best = (score, setting, right)
        assert best is not None
        chosen = {**grid[best[1]], "validation": None if few else round(100 * best[0], 2), "clips": len(choosing[0])}
        return Found(encoder=self._contender.name, probe=probe, shots=shots, right=best[2], setting=chosen)

    def silhouettes(self) -> list[dict[str, Any]]:
        """Of the test clips' mean features, by app and by category, the mean over seeds; none for what is not frozen.

        As in the paper, on distances as they are: -1..1, above 0 when clips lie nearer their own kind.
        """
        if not self._pooled:
            return []
        try:
            from sklearn.metrics import silhouette_score  # type: ignore[import-untyped]
        except ImportError as error:
            raise MissingExtra("scikit-learn", "bench", "The silhouette") from error
        clips = self._suite.of("test")
        kinds = {
            "app": [self._suite.items[i].category.partition("-")[0] for i in clips],
            "category": [self._suite.items[i].category for i in clips],
        }
        made = []
        for by, labels in kinds.items():
            if 1 < len(set(labels)) < len(labels):
                values = [float(silhouette_score(pooled[clips].numpy(), labels)) for pooled in self._pooled]
                told = {"suite": self._suite.name, "encoder": self._contender.name, "by": by}
                made.append({**told, "silhouette": round(float(np.mean(values)), 4)})
        return made

    def agreement(self) -> list[dict[str, Any]]:
        """Of two halves of a test clip (`uijepa.jepa.health.view_agreement`), the mean over seeds; none without
        an encoder."""
        clips = [i for i in self._suite.of("test") if len(self._suite.items[i].tokens().values) > 1]
        items = [self._suite.items[i] for i in clips]
        if not self._features or len(items) < 2:
            return []
        seeds = range(len(self._features))
        views = (halves(self._contender.fresh(s), items, self._device, self._plan.precision) for s in seeds)
        value = float(np.mean([view_agreement(v) for v in views]))
        return [{"suite": self._suite.name, "encoder": self._contender.name, "agreement": round(value, 3)}]


def _bare(contender: Contender, suite: Suite) -> torch.Tensor:
    """Features of a suite's clips [clips, D] that need no encoder; of words as many as the others have."""
    return words(suite, contender.config.width) if contender.name == TEXT else where(suite)


def task(suite: Suite, shots: int, lot: Draw) -> dict[str, Any]:
    """What a number of shots asks on a suite."""
    used = len(lot.categories)
    return {
        "suite": suite.name,
        "shots": shots,
        "categories": used,
        "left_out": suite.categories - used,
        "test_clips": len(lot.test),
        "chosen_on": len(lot.choose),
        "chance": round(100 / used, 2) if used else None,
    }


def row(suite: Suite, found: Found, seeds: int) -> dict[str, Any]:
    """One row of the results, in percent of the test clips."""
    told = {"suite": suite.name, "encoder": found.encoder, "probe": found.probe, "shots": found.shots}
    return {**told, **crossed(100.0 * found.right.astype(np.float64)).as_json(), "seeds": seeds}


def differences(suite: Suite, found: Sequence[Found]) -> list[dict[str, Any]]:
    """Points by which the first encoder is ahead of each other, paired by seed and test clip."""
    first = {(f.probe, f.shots): f for f in found if f.encoder == found[0].encoder}
    made = []
    for other in found:
        ours = first.get((other.probe, other.shots))
        if ours is not None and ours.encoder != other.encoder:
            ahead = crossed(100.0 * np.subtract(ours.right, other.right, dtype=np.float64)).as_json()
            told = {"suite": suite.name, "a": ours.encoder, "b": other.encoder}
            made.append({**told, "probe": other.probe, "shots": other.shots, **ahead})
    return made


def crossed(values: npt.NDArray[np.float64], *, rounds: int = 10_000, seed: int = 0) -> Interval:
    """Mean of `[seeds, clips]` with its 95 % percentile interval, seeds and clips both drawn anew in each round.

    Every seed is tested on the same clips, so the two are crossed, not nested: the pigeonhole bootstrap (Owen 2007),
    which is a little too wide rather than too narrow.
    """
    rng = np.random.default_rng(seed)
    seeds, clips = values.shape
    means = np.empty(rounds)
    step = max(1, 2_000_000 // clips)
    for start in range(0, rounds, step):
        size = min(step, rounds - start)
        by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size) / seeds
        by_clip = rng.multinomial(clips, np.full(clips, 1 / clips), size) / clips
        means[start : start + size] = ((by_seed @ values) * by_clip).sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(mean=float(values.mean()), low=float(low), high=float(high))
