"""The predictor: from the features of visible tubelets to those of hidden ones.

Shape suffixes: B clips, V visible tokens, M masked tokens, D encoder width, P predictor width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uijepa.models.encoder import EncoderConfig, Trunk


class Predictor(nn.Module):
    """A narrow transformer that sees visible features and one mask token per hidden place."""

    def __init__(self, width: int, config: EncoderConfig) -> None:
        """`width`: the encoder's; `config`: the predictor's own size."""
        super().__init__()
        self.down = nn.Linear(width, config.width)
        self.mask_token = nn.Parameter(torch.zeros(config.width))
        self.trunk = Trunk(config)
        self.up = nn.Linear(config.width, width)

    def forward(
        self,
        visible_BVD: Tensor,
        visible_positions: Tensor,
        visible_mask: Tensor,
        hidden_positions: Tensor,
        hidden_mask: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Predicted features [B, M, D] of the hidden places, and the predictor's own features [B, M, P].

        Positions are [B, V, 3] and [B, M, 3]; masks [B, V] and [B, M] are True where a token is real.
        """
        visible = self.down(visible_BVD)
        hidden = self.mask_token.to(visible.dtype).expand(*hidden_positions.shape[:2], -1)
        features = self.trunk(
            torch.cat([visible, hidden], dim=1),
            torch.cat([visible_positions, hidden_positions], dim=1),
            torch.cat([visible_mask, hidden_mask], dim=1),
        )[:, visible.shape[1] :]
        return self.up(features), features
