"""What the health numbers say, in plain words, and what to do about it.

The thresholds lie far from what encoders show that have not collapsed. On 160 of the studio's clips, an untrained
one and one trained with the pixel and variance terms had: between_clips 0.40 and 0.16, position_share 0.05 and 0.03,
clip_rank 20 and 23, attention_low 1.0 and 0.6. Encoders that collapsed had a clip_rank of 4, or half their variance
in places, while their loss and token-level RankMe looked fine. Encoders whose features told tasks apart worse than
untrained ones do had a view_agreement of 0.79 to 0.90 while all else, LiDAR too, looked fine; others 0.96 and up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FEW_CLIPS = 16
"""With fewer held-out clips there is no telling."""
ALIKE = 0.03
"""`between_clips` below this: clips' means differ by little more than chance makes means of 100 tokens differ."""
POSITION = 0.5
"""`position_share` above this: a token's place says more of its features than what is shown there."""
FLAT = 5.0
"""`clip_rank` below this: clips differ along a handful of directions, whatever the width."""
SCATTERED = 0.93
"""`view_agreement` below this: features tell which tokens were seen, where they should tell which clip."""
NARROW = 0.1
"""`attention_low` below this: a block whose heads look at one or two tokens each."""


@dataclass(frozen=True)
class Verdict:
    """A sentence on a representation, and whether it has collapsed."""

    words: str
    collapsed: bool = False


def judge(numbers: Mapping[str, float], clips: int) -> Verdict:
    """The verdict on the numbers that a look at `clips` held-out clips gave.

    Reads between_clips, position_share, clip_rank, view_agreement and attention_low. The first that is out of bounds
    speaks.
    """
    if clips < FEW_CLIPS:
        return Verdict(
            f"unknown: {clips} held-out clips tell nothing; add clips to the val split ({FEW_CLIPS} or more)"
        )
    between, position = numbers["between_clips"], numbers["position_share"]
    rank, agreement, attention = numbers["clip_rank"], numbers["view_agreement"], numbers["attention_low"]
    if not between >= ALIKE:
        return Verdict(
            f"collapsing: clips look alike (between_clips {between:.3f}, below {ALIKE}); "
            "raise variance_weight and invariance_weight, or contrast_weight, or slow the target (momentum nearer 1)",
            collapsed=True,
        )
    if position > POSITION:
        return Verdict(
            f"collapsing: positions only (position_share {position:.2f}, above {POSITION}); "
            'set centre = "place", raise pixel_weight or pixel_steps, or lengthen the warm-up',
            collapsed=True,
        )
    if not rank >= FLAT:
        return Verdict(
            f"collapsing: clips differ along few directions (clip_rank {rank:.1f}, below {FLAT:.0f}); "
            "raise covariance_weight and invariance_weight, or enlarge the batch",
            collapsed=True,
        )
    if not agreement >= SCATTERED:
        return Verdict(
            f"scattered: halves of a clip differ like clips (view_agreement {agreement:.2f}, below {SCATTERED}); "
            "set variance_weight and covariance_weight to 0, or raise invariance_weight or contrast_weight"
        )
    if not attention >= NARROW:
        return Verdict(
            f"unstable: a block attends to single tokens (attention_low {attention:.2f}, below {NARROW}); "
            "lower lr, lengthen the warm-up or lower clip_grad"
        )
    return Verdict("healthy")
