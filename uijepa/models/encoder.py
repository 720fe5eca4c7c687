"""The video encoder: a vision transformer over any subset of a clip's tubelets.

V-JEPA 2's shape (pre-norm blocks, 3-D rotary positions), except that positions are given with the tokens: still
and flat tubelets are never encoded, and a clip keeps its own aspect ratio.

Shape suffixes: B clips, N tokens, D width, H heads, K head width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from uijepa.errors import ConfigError
from uijepa.grid import TUBELET_VALUES

EPSILON = 1e-6
"""Of the layer norms, as in V-JEPA 2."""
PACK_TO = 64
"""Packed batches have a multiple of this many tokens: CPU kernels are compiled per shape, so few are fast."""
REACH = 2.0
"""Tokens over which places are alike to `fourier`: deviation of the Gaussian that products of its features make."""
MOST_FULL = 0.9
"""Share of a batch that may be real tokens and packing still be worth its copies."""


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Size of a transformer over tubelets."""

    width: int = 192
    depth: int = 8
    heads: int = 3
    mlp: float = 4.0
    """Hidden width of a block's MLP, in multiples of `width`; rounded to whole channels."""
    rotary: Literal["pairs", "vjepa2"] = "pairs"
    """How the angles lie on the channels, see `rotary`; "vjepa2" is for weights trained so."""
    places: int = 0
    """Frequencies by which a token's absolute place is added to its tubelet, see `Places`; 0: none, and attention
    alone sees places, of tokens relative to one another."""
    initial_std: float = 0.02
    """Of new weights, V-JEPA's; 0: 1 / sqrt(channels in). At widths of 100 to 200, 0.02 leaves attention all but even
    over a clip's tokens for the first hundred steps; with 0 it chooses from the first step on."""

    def __post_init__(self) -> None:
        if min(self.initial_std, self.places) < 0:
            raise ConfigError(
                f"encoder.initial_std and places must not be negative, got {self.initial_std} and {self.places}."
            )
        if self.width % self.heads or (self.width // self.heads) < 6 or (self.width // self.heads) % 2:
            raise ConfigError(
                f"width {self.width} must split into {self.heads} heads, each at least 6 wide and of an even width."
            )

    @property
    def mlp_width(self) -> int:
        """Hidden channels of a block's MLP."""
        return round(self.width * self.mlp)


def rotary(
    positions_BN3: Tensor, head_width: int, kind: Literal["pairs", "vjepa2"] = "pairs"
) -> tuple[Tensor, Tensor]:
    """Cosines and sines, [B, 1, N, K], for `rotate`: they turn pairs of channels by a token's (t, h, w).

    Time, height and width each turn a third of the channels (rounded down to pairs, as in V-JEPA 2); channels
    left over are not turned. With "pairs" the two channels of a pair share an angle: a rotation, by which
    attention sees relative places only. "vjepa2" is what Meta's weights were trained with: the angles of an axis
    are laid out twice in a row, so the two channels of a pair have two angles, and absolute places matter too.
    """
    pairs = head_width // 6
    frequencies = 10000.0 ** -(torch.arange(pairs, device=positions_BN3.device, dtype=torch.float32) / pairs)
    angles = positions_BN3.to(torch.float32).unsqueeze(-1) * frequencies  # B N 3 pairs
    angles = torch.cat((angles, angles), dim=-1) if kind == "vjepa2" else angles.repeat_interleave(2, dim=-1)
    angles = F.pad(angles.flatten(-2), (0, head_width - 6 * pairs)).unsqueeze(1)
    return angles.cos(), angles.sin()


def rotate(x_BHNK: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Each pair (a, b) of channels turned by its angles: (a cos - b sin, b cos + a sin)."""
    pairs = x_BHNK.reshape(*x_BHNK.shape[:-1], -1, 2)
    turned = torch.stack((-pairs[..., 1], pairs[..., 0]), dim=-1).flatten(-2)
    return (x_BHNK * cos + turned * sin).to(x_BHNK.dtype)


class Packing:
    """Where the real tokens of a padded batch [B, N] lie, so that only they go through norms and linear layers.

    Attention alone needs clips side by side. Two thirds of a masked batch are often padding, and at these widths
    most of the arithmetic is in the linear layers, so this is simpler than attention without padding, and as good.
    """

    def __init__(self, mask_BN: Tensor, count: int) -> None:
        """`count`: real tokens, rounded up. The real ones come first, in order, then as many others as are needed."""
        self.shape = mask_BN.shape
        self.chosen = torch.argsort(~mask_BN.flatten(), stable=True)[:count]

    @classmethod
    def of(cls, mask_BN: Tensor) -> Packing | None:
        """The packing of a batch; None where little would be saved."""
        count = -(-int(mask_BN.sum()) // PACK_TO) * PACK_TO
        return cls(mask_BN, count) if count <= MOST_FULL * mask_BN.numel() else None

    def pack(self, x_BNC: Tensor) -> Tensor:
        """[B, N, C] to [1, T, C]."""
        return x_BNC.flatten(0, 1)[self.chosen].unsqueeze(0)

    def unpack(self, x_1TC: Tensor) -> Tensor:
        """[1, T, C] to [B, N, C], zero where no token was packed."""
        padded = x_1TC.new_zeros((self.shape.numel(), x_1TC.shape[-1]))
        return padded.index_copy(0, self.chosen, x_1TC.squeeze(0)).reshape(*self.shape, -1)


class Block(nn.Module):
    """Pre-norm self-attention with rotary positions, then an MLP."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm1 = nn.LayerNorm(config.width, eps=EPSILON)
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.norm2 = nn.LayerNorm(config.width, eps=EPSILON)
        self.up = nn.Linear(config.width, config.mlp_width)
        self.down = nn.Linear(config.mlp_width, config.width)

    def forward(
        self, x_BND: Tensor, cos: Tensor, sin: Tensor, attend: Tensor | None, packing: Packing | None = None
    ) -> Tensor:
        q, k, v = self.asked(x_BND, cos, sin, packing)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=attend).transpose(1, 2).flatten(-2)
        if packing is not None:
            mixed = packing.pack(mixed)
        x_BND = x_BND + self.out(mixed)
        grown: Tensor = self.down(F.gelu(self.up(self.norm2(x_BND))))
        return x_BND + grown

    def asked(
        self, x_BND: Tensor, cos: Tensor, sin: Tensor, packing: Packing | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, [B, H, N, K] each, the first two turned by their places."""
        batch, tokens, _ = x_BND.shape
        qkv = self.qkv(self.norm1(x_BND)).reshape(batch, tokens, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if packing is not None:
            packed = torch.stack((q, k, v), dim=3).transpose(1, 2).flatten(2)  # 1 T (H 3 K)
            q, k, v = packing.unpack(packed).reshape(*packing.shape, self.heads, 3, -1).transpose(1, 2).unbind(3)
        return q, k, v


class Trunk(nn.Module):
    """The blocks and the closing norm; the encoder and the predictor share it."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width, eps=EPSILON)
        self.apply(lambda module: _initialise(module, config.initial_std))
        for index, block in enumerate(self.blocks, 1):
            assert isinstance(block, Block)
            # Residual branches start smaller the deeper they are, as in V-JEPA, so that depth is stable.
            block.out.weight.data.div_((2.0 * index) ** 0.5)
            block.down.weight.data.div_((2.0 * index) ** 0.5)

    def forward(self, x_BND: Tensor, positions_BN3: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        packing = None if mask_BN is None else Packing.of(mask_BN)
        if packing is not None:
            x_BND, positions_BN3 = packing.pack(x_BND), packing.pack(positions_BN3)
        cos, sin = rotary(positions_BN3, self.config.width // self.config.heads, self.config.rotary)
        attend = None if mask_BN is None else mask_BN[:, None, None, :]
        for block in self.blocks:
            x_BND = block(x_BND, cos, sin, attend, packing)
        normed: Tensor = self.norm(x_BND)
        return normed if packing is None else packing.unpack(normed)


def frequencies(count: int) -> Tensor:
    """What `fourier` takes, [3, count], drawn from N(0, 1 / REACH^2): always the same ones for a count."""
    return torch.randn(3, count, generator=torch.Generator().manual_seed(0), device="cpu") / REACH


def fourier(positions_BN3: Tensor, frequencies_3F: Tensor) -> Tensor:
    """Random Fourier features of absolute places p = (t, h, w): sqrt(2) (cos(p F), sin(p F)), [B, N, 2F].

    The mean product of two places' features is about a Gaussian of their distance (Rahimi and Recht 2007), so the
    mean over a clip says where in space and time its tokens lie: which parts of a screen moved, and when. Sines of
    each axis alone would say only which rows, which columns and which moments.
    """
    # No matrix product: autocast would round it to bf16, which is too coarse for angles.
    angles = (positions_BN3.to(torch.float32).unsqueeze(-1) * frequencies_3F).sum(-2)
    return 2**0.5 * torch.cat((angles.cos(), angles.sin()), dim=-1)


class Places(nn.Module):
    """Absolute places as features [B, N, D]: a linear layer over their Fourier features."""

    frequencies: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.register_buffer("frequencies", frequencies(config.places))
        self.linear = nn.Linear(2 * config.places, config.width)
        _initialise(self.linear, config.initial_std)

    def forward(self, positions_BN3: Tensor) -> Tensor:
        features: Tensor = self.linear(fourier(positions_BN3, self.frequencies))
        return features


class Encoder(nn.Module):
    """Tubelets and their places in, one feature a tubelet out."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(TUBELET_VALUES, config.width)
        _initialise(self.embed, config.initial_std)
        self.trunk = Trunk(config)
        self.places = Places(config) if config.places else None

    def forward(self, values_BNV: Tensor, positions_BN3: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        """Features [B, N, D] of normalised tubelets.

        values: [B, N, 1536] float; positions: [B, N, 3] integer (t, h, w); mask: [B, N], True where a token is
        real (None: all are). Features at padding are undefined. A clip needs at least one real token.
        """
        embedded = self.embed(values_BNV)
        if self.places is not None:
            embedded = embedded + self.places(positions_BN3).to(embedded.dtype)
        features: Tensor = self.trunk(embedded, positions_BN3, mask_BN)
        return features


def _initialise(module: nn.Module, std: float) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=std or module.in_features**-0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
