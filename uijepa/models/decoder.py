"""The decoder: any Hugging Face causal language model.

By default a small Llama trained from scratch with its own byte-level BPE; or a pretrained model by hub name, local
folder or GGUF file, tuned through LoRA.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

from uijepa.errors import ConfigError, MissingExtra
from uijepa.sequence import EOS, PAD, SEP, SPECIAL, Sequence


@dataclass(frozen=True, kw_only=True)
class DecoderConfig:
    """Which language model, and how it is tuned."""

    pretrained: str = ""
    """Hub name, local folder or GGUF file of a causal LM; empty: a new Llama of the size below."""
    vocabulary: int = 2048
    """Most entries of a new byte-level BPE. Small, so that unseen words are spelt from pieces it knows well."""
    width: int = 256
    depth: int = 4
    heads: int = 4
    lora_rank: int = 16
    """LoRA rank for a pretrained model; 0 tunes all its weights. A new one is trained whole."""
    lora_alpha: int = 16
    lora_dropout: float = 0.05
    pointer: int = 0
    """Width of the keys by which words read are found again and copied (`uijepa.models.pointer`); 0: no copying."""
    text_tokens: int = 128
    """Most tokens of on-screen text in the prompt; 0: text is not read."""
    max_new_tokens: int = 64
    """Longest intent, in tokens."""


def new_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE fitted to `texts`; any string can be written in it.

    Digits stand alone, so that a time or a number never seen is spelt like one that was.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def new_decoder(config: DecoderConfig, tokenizer: Tokenizer | None) -> tuple[nn.Module, Tokenizer]:
    """A decoder ready to train, and the tokenizer that goes with it."""
    if config.pretrained:
        return _pretrained(config)
    if tokenizer is None:
        raise ConfigError("decoder.pretrained is empty: a decoder from scratch needs a fitted tokenizer.")
    from transformers import LlamaConfig, LlamaForCausalLM

    language = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=config.width,
        intermediate_size=config.width * 3,
        num_hidden_layers=config.depth,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        pad_token_id=SPECIAL.index(PAD),
        bos_token_id=None,
        eos_token_id=SPECIAL.index(EOS),
    )
    return LlamaForCausalLM(language), tokenizer


def _pretrained(config: DecoderConfig) -> tuple[nn.Module, Tokenizer]:
    model, fast = _loaded(config.pretrained)
    if not getattr(fast, "is_fast", False):
        raise ConfigError(f"decoder.pretrained {config.pretrained!r} has no fast tokenizer (tokenizer.json).")
    tokenizer: Tokenizer = fast.backend_tokenizer
    _add_special(model, tokenizer, fast.eos_token_id)
    if config.lora_rank:
        try:
            from peft import LoraConfig, get_peft_model
        except ImportError as error:
            raise MissingExtra("peft", "train", "LoRA tuning") from error
        lora = LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,
            lora_dropout=config.lora_dropout,
            target_modules="all-linear",
            # LoRA alone would leave their rows as they began. The other rows keep what they know.
            trainable_token_indices={table: Sequence(tokenizer, 0).special for table in _tables(model)},
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(model, lora)
    return model, tokenizer


def _loaded(pretrained: str) -> tuple[Any, Any]:
    """A pretrained model in float32, whatever it was kept in, and its tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place, source = pretrained, dict[str, Any]()
    if pretrained.endswith(".gguf"):
        try:
            import gguf  # noqa: F401 (transformers reads with it)
        except ImportError as error:
            raise MissingExtra("gguf", "train", "reading GGUF files") from error
        file = Path(pretrained)
        place, source = str(file.parent), {"gguf_file": file.name}
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32, **source)
        fast: Any = AutoTokenizer.from_pretrained(place, **source)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"decoder.pretrained {pretrained!r} cannot be loaded ({error}). "
            "Give a hub name where there is a network, a folder with the model's files, or a .gguf file."
        ) from error
    if source:
        # They are plain float32 now: a checkpoint must not say that they are packed.
        del model.config.quantization_config
    return model, fast


def _tables(model: Any) -> list[str]:
    """Names of the modules with a row for each id: the embeddings, and the output where it has weights of its own."""
    ends = [model.get_input_embeddings()]
    if not model.config.tie_word_embeddings:
        ends.append(model.get_output_embeddings())
    return [name for name, module in model.named_modules() if any(module is end for end in ends)]


def _add_special(model: Any, tokenizer: Tokenizer, end: int | None) -> None:
    """Ids for the special tokens that a pretrained model lacks; each begins as what it stands for there."""
    breaks = tokenizer.encode("\n", add_special_tokens=False).ids
    like = {PAD: end, SEP: breaks[-1] if breaks else end, EOS: end}
    new = [token for token in SPECIAL if tokenizer.token_to_id(token) is None]
    tokenizer.add_special_tokens(list(SPECIAL))
    if tokenizer.get_vocab_size() > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(tokenizer.get_vocab_size(), mean_resizing=False)
    for ends in (model.get_input_embeddings(), model.get_output_embeddings()):
        with torch.no_grad():
            for token in new:
                if (known := like[token]) is not None:
                    ends.weight[tokenizer.token_to_id(token)] = ends.weight[known]


def merged(decoder: nn.Module) -> nn.Module:
    """The decoder with its LoRA weights folded in, so that a checkpoint is a plain model."""
    fold = getattr(decoder, "merge_and_unload", None)
    return decoder if fold is None else fold()


def load_decoder(language: dict[str, Any]) -> nn.Module:
    """An empty decoder of a saved transformers configuration; weights come from the checkpoint."""
    from transformers import AutoConfig, AutoModelForCausalLM

    values = dict(language)
    kind = values.pop("model_type")
    model: nn.Module = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **values))  # type: ignore[no-untyped-call]
    return model
