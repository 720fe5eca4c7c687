"""The size dial: one name sets an encoder's width, depth and heads, and what follows from them.

`tiny` is the shipped model, whose learning rate and batch were tried; those of the others follow from it by rule
and were not tuned. `small`, `base` and `large` are ViT-S, ViT-B and ViT-L, made for GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

SizeName = Literal["nano", "tiny", "small", "base", "large"]
NAMES: tuple[SizeName, ...] = get_args(SizeName)


@dataclass(frozen=True, kw_only=True)
class Size:
    """A width, a depth, heads and a batch; the rest is derived."""

    width: int
    depth: int
    heads: int
    batch: int
    """Clips a step. A larger model sees more at once, for larger machines: split with `accumulate` where it does not
    fit."""

    @property
    def lr(self) -> float:
        """1e-3 at width 192, falling with the root of the width; two digits."""
        return float(f"{1e-3 * (192 / self.width) ** 0.5:.1e}")

    def values(self) -> dict[str, Any]:
        """The part of a TrainConfig that the dial sets. The predictor is half as wide and 3/8 as deep."""
        predictor = {"width": self.width // 2, "depth": 3 * self.depth // 8, "heads": self.heads}
        return {
            "encoder": {"width": self.width, "depth": self.depth, "heads": self.heads},
            "pretrain": {"batch": self.batch, "lr": self.lr, "objective": {"predictor": predictor}},
        }


SIZES: dict[SizeName, Size] = {
    "nano": Size(width=96, depth=6, heads=2, batch=16),
    "tiny": Size(width=192, depth=8, heads=3, batch=16),
    "small": Size(width=384, depth=12, heads=6, batch=32),
    "base": Size(width=768, depth=12, heads=12, batch=64),
    "large": Size(width=1024, depth=24, heads=16, batch=128),
}
