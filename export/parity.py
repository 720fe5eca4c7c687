"""Proof that the graphs say what the network says.

The network is asked as in training (`System.forward`, the whole sequence at once, no cache); the graphs as on the
device (`uijepa.runtime`, a prompt and then one id after another with the cache).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from rich.table import Table
from torch import Tensor

from uijepa.errors import BundleError
from uijepa.grid import TUBELET_VALUES
from uijepa.models.system import System
from uijepa.runtime.sessions import NO_WORD, Floats, Graphs
from uijepa.sequence import Sequence

TOLERANCE = 1e-3
"""Largest difference between float32 logits, or features, of the network and of the graphs."""

LEAST_COSINE = 0.99
LEAST_AGREEMENT = 0.9
"""What int8 weights must keep: of the features' direction, and of the ids the network would choose. A coarse gate;
whether int8 is good enough is for the benchmark's score to say."""

STEPS = 16


class ParityError(BundleError):
    """The graphs are not the network."""

    code = "parity"


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Worst over all clips tried."""

    features: float
    """Largest absolute difference of the encoder's features."""
    cosine: float
    """Smallest cosine between a token's features."""
    logits: float
    """Largest absolute difference of logits over all generated steps."""
    agreement: float
    """Share of steps at which both choose the same id."""
    clips: int
    steps: int

    def failures(self, precision: str) -> list[str]:
        """What is over the bounds of a precision, in words; empty when all is well."""
        # The comparisons are negated so that a NaN counts as a failure.
        failures = []
        if precision == "int8":
            if not self.cosine >= LEAST_COSINE:
                failures.append(f"cosine of features {self.cosine:.4f} < {LEAST_COSINE}")
            if self.agreement < LEAST_AGREEMENT:
                failures.append(f"same ids {self.agreement:.1%} < {LEAST_AGREEMENT:.0%}")
            return failures
        if not self.features <= TOLERANCE:
            failures.append(f"features differ by {self.features:.2e} > {TOLERANCE:.0e}")
        if not self.logits <= TOLERANCE:
            failures.append(f"logits differ by {self.logits:.2e} > {TOLERANCE:.0e}")
        if self.agreement < 1:
            failures.append(f"only {self.agreement:.1%} of the ids are the same")
        return failures

    def table(self, precision: str) -> Table:
        """For a terminal: each number beside its bound."""
        exact = precision != "int8"
        table = Table(title=f"Parity with the network, {precision}: {self.clips} clips, {self.steps} ids each")
        for column in ("", "measured", "bound"):
            table.add_column(column, justify="left" if not column else "right")
        bound = f"≤ {TOLERANCE:.0e}" if exact else "reported"
        table.add_row("features, largest difference", f"{self.features:.2e}", bound)
        table.add_row("features, smallest cosine", f"{self.cosine:.6f}", "reported" if exact else f"≥ {LEAST_COSINE}")
        table.add_row("logits, largest difference", f"{self.logits:.2e}", bound)
        table.add_row("same ids", f"{self.agreement:.1%}", "100%" if exact else f"≥ {LEAST_AGREEMENT:.0%}")
        return table


def measure(system: System, graphs: Graphs, *, clips: int = 3, steps: int = STEPS, seed: int = 0) -> Parity:
    """Compare on random clips of 1, the most, and in between many tokens, with random on-screen text."""
    rng = np.random.default_rng(seed)
    spec = system.config.preprocess
    sep = Sequence(system.tokenizer, 0).sep
    sizes = [1, spec.max_tokens, *rng.integers(2, max(spec.max_tokens, 3), max(clips - 2, 0)).tolist()][:clips]
    features = logits = 0.0
    cosine, same = 1.0, 0
    for count in sizes:
        values = rng.standard_normal((1, count, TUBELET_VALUES), dtype=np.float32)
        axes = (spec.frames // 2, 14, 14)
        positions = np.stack([rng.integers(0, most, count) for most in axes], -1)[None].astype(np.int64)
        words = rng.integers(0, graphs.shapes.vocabulary, max(system.config.decoder.text_tokens // 2, 8)).tolist()
        with torch.inference_mode():
            expected = system.encoder(torch.from_numpy(values), torch.from_numpy(positions))
        got = graphs.encode(values, positions)
        # Reversed, so that a NaN anywhere in the graphs stays the largest difference.
        features = float(np.maximum(features, np.abs(got - expected.numpy()).max()))
        cosine = float(np.minimum(cosine, _cosines(got, expected.numpy()).min()))
        worst, agreed = _generation(system, graphs, expected, got, prompt=[sep, *words, sep], steps=steps)
        logits, same = float(np.maximum(logits, worst)), same + agreed
    return Parity(
        features=features,
        cosine=cosine,
        logits=logits,
        agreement=same / (len(sizes) * steps),
        clips=len(sizes),
        steps=steps,
    )


def _generation(
    system: System, graphs: Graphs, expected: Tensor, got: Floats, *, prompt: list[int], steps: int
) -> tuple[float, int]:
    """Largest difference of logits over `steps` greedy steps, and at how many of them the ids are the same.

    The network's ids are fed to both, <eos> or not, so that every step compares the same sequence.
    """
    tokens = list(prompt)
    mask = torch.ones(expected.shape[:2], dtype=torch.bool)
    step_input = np.concatenate([graphs.project(got), graphs.embed(tokens)], axis=1)
    words = np.array([[NO_WORD] * got.shape[1] + tokens], np.int64)
    cache, worst, same = graphs.empty(), 0.0, 0
    for _ in range(steps):
        with torch.inference_mode():
            reference = system(expected, mask, torch.tensor([tokens]), torch.tensor([len(tokens)]))[0, -1].numpy()
        logits, cache = graphs.decode(step_input, words, cache)
        worst = float(np.maximum(worst, np.abs(logits - reference).max()))
        chosen = int(reference.argmax())
        same += int(logits.argmax()) == chosen
        tokens.append(chosen)
        step_input, words = graphs.embed(tokens[-2:])[:, -1:], np.array([[chosen]], np.int64)
    return worst, same


def _cosines(a: Floats, b: Floats) -> Floats:
    products = (a * b).sum(-1)
    return np.asarray(products / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)), np.float32)
