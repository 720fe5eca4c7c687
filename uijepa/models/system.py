"""The whole system: encoder, linear projector, language-model decoder, tokenizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from uijepa import checkpoint
from uijepa.config import Preprocess, build, plain
from uijepa.errors import CheckpointError
from uijepa.models.decoder import DecoderConfig, load_decoder, new_decoder
from uijepa.models.encoder import Encoder, EncoderConfig
from uijepa.models.pointer import Pointer
from uijepa.sequence import Sequence

TOKENIZER = "tokenizer.json"
ROUND = 32
"""Sequences are padded to a multiple of this: CPU kernels are compiled per shape, so few shapes are fast."""


@dataclass(frozen=True, kw_only=True)
class SystemConfig:
    """Everything needed to build the system without its weights."""

    preprocess: Preprocess = field(default_factory=Preprocess)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)


class Words(nn.Module):
    """Embeddings of token ids; each carries some of its predecessor's: E[x_t] + W E[x_(t-1)].

    With it a single attention layer can find where a word stood before and say what followed it, so a small decoder
    learns to copy from the screen sooner (Olsson et al. 2022, "In-context learning and induction heads", there as
    smeared keys). W starts at zero for a pretrained decoder, which then
    reads just what it was trained to read.
    """

    def __init__(self, table: nn.Module, carry: nn.Linear) -> None:
        super().__init__()
        self.table = table
        self.carry = carry

    def forward(self, ids: Tensor) -> Tensor:
        """Embeddings [B, S, H] of ids [B, S]; the first id of a row has no predecessor."""
        words: Tensor = self.table(ids)
        carried: Tensor = self.carry(F.pad(words, (0, 0, 1, 0))[:, :-1])
        return words + carried


class System(nn.Module):
    """Clip tokens and on-screen text in, logits of the intent out."""

    def __init__(self, config: SystemConfig, encoder: Encoder, decoder: nn.Module, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.decoder = decoder
        self.tokenizer = tokenizer
        width = int(self.language_config.hidden_size)
        self.projector = nn.Linear(encoder.config.width, width)
        self.carry = nn.Linear(width, width, bias=False)
        self.pointer = self._new_pointer(width) if config.decoder.pointer else None
        if config.decoder.pretrained:
            nn.init.zeros_(self.carry.weight)

    def _new_pointer(self, width: int) -> Pointer:
        sequence = Sequence(self.tokenizer, 0)
        ends = [*sequence.special, *sequence.breaks]
        vocabulary = len(self.decoder.get_output_embeddings().weight)  # type: ignore[operator]
        return Pointer(width, self.config.decoder.pointer, vocabulary, ends)

    @property
    def words(self) -> Words:
        """What turns token ids into the decoder's input; its table is the decoder's own."""
        return Words(self.decoder.get_input_embeddings(), self.carry)  # type: ignore[operator]

    @property
    def tables(self) -> list[Tensor]:
        """The decoder's weights with a row for each id: its embeddings, and its output (one, where they are tied)."""
        ends = (self.decoder.get_input_embeddings(), self.decoder.get_output_embeddings())  # type: ignore[operator]
        return [weight for end in ends for weight in end.parameters() if weight.ndim == 2]

    @property
    def language_config(self) -> Any:
        """The decoder's own transformers configuration."""
        return self.decoder.config

    @classmethod
    def new(cls, config: SystemConfig, tokenizer: Tokenizer | None, encoder: Encoder | None = None) -> System:
        """A system to be trained: a new decoder of `config.decoder` (or its pretrained model), a given encoder.

        `tokenizer` is needed for a decoder trained from scratch; a pretrained one brings its own.
        """
        decoder, tokenizer = new_decoder(config.decoder, tokenizer)
        return cls(config, encoder or Encoder(config.encoder), decoder, tokenizer)

    def forward(
        self,
        features: Tensor,
        features_mask: Tensor,
        tokens: Tensor,
        lengths: Tensor,
        asked: Tensor | None = None,
    ) -> Tensor:
        """Logits [B, L, vocabulary] at the places of `tokens`; or only those of the P places that are True in `asked`
        [B, L], as [P, vocabulary]: over SmolLM2's vocabulary all of them are a sixth of a training step.

        features: [B, N, D] of the encoder, True in features_mask [B, N] where real; tokens: [B, L] ids of
        `<sep> text <sep> intent <eos>`, right-padded; lengths: [B] their real lengths. Each clip's video and
        text are packed without a gap, so that what the decoder sees does not depend on its batch.
        """
        video = self.projector(features)
        words = self.words(tokens).to(video.dtype)
        counts = features_mask.sum(1)
        total = -(-int((counts + lengths).max()) // ROUND) * ROUND
        place = torch.arange(total, device=tokens.device)[None]
        in_video = place < counts[:, None]
        width = video.shape[-1]
        from_video = place.clamp(max=max(video.shape[1] - 1, 0)).expand(len(tokens), -1)
        from_words = (place - counts[:, None]).clamp(0, tokens.shape[1] - 1)
        packed = words.gather(1, from_words[..., None].expand(-1, -1, width))
        if video.shape[1]:
            seen = video.gather(1, from_video[..., None].expand(-1, -1, width))
            packed = torch.where(in_video[..., None], seen, packed)
        attention = (place < (counts + lengths)[:, None]).long()
        hidden = self.decoder.get_decoder()(inputs_embeds=packed, attention_mask=attention).last_hidden_state  # type: ignore[operator]
        word_places = (counts[:, None] + torch.arange(tokens.shape[1], device=tokens.device)).clamp(max=total - 1)
        hidden = hidden.gather(1, word_places[..., None].expand(-1, -1, hidden.shape[-1]))
        head = self.decoder.get_output_embeddings()  # type: ignore[operator]
        if self.pointer is None:
            return head(hidden if asked is None else hidden[asked])  # type: ignore[no-any-return]
        logits: Tensor = self.pointer(hidden, tokens, head(hidden))
        return logits if asked is None else logits[asked]

    def save(self, folder: Path, provenance: dict[str, Any]) -> None:
        """Write weights, configuration, tokenizer and provenance; readers see all or nothing."""
        config = {"system": plain(self.config), "language": self.language_config.to_dict()}
        checkpoint.save(folder, self.state_dict(), config, provenance, {TOKENIZER: self.tokenizer.to_str()})

    @classmethod
    def load(cls, folder: Path) -> System:
        """The system of a checkpoint folder, strictly: every weight must be there and of its shape."""
        saved = checkpoint.load(folder)
        config = build(SystemConfig, saved.config["system"], str(folder))
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:
            raise CheckpointError(f"{folder / TOKENIZER}: not a tokenizer ({error}).") from error
        decoder = load_decoder(saved.config["language"])
        system = cls(config, Encoder(config.encoder), decoder, tokenizer)
        checkpoint.restore(system, saved, folder)
        return system.eval()
