"""Decoders that begin as somebody's language model: a folder as the hub has them, a GGUF file; tuned through LoRA."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from gguf import GGUFWriter
from tokenizers import Tokenizer
from tokenizers import models as tokenizer_models
from tokenizers.pre_tokenizers import ByteLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.tiny_training import config
from uijepa.errors import ConfigError, MissingExtra
from uijepa.models.decoder import DecoderConfig, merged, new_decoder
from uijepa.models.encoder import EncoderConfig
from uijepa.models.system import System, SystemConfig
from uijepa.sequence import EOS, PAD, SEP, SPECIAL
from uijepa.train import What, train
from uijepa.training.optimizer import Group, Optimizer

SMALL = EncoderConfig(width=24, depth=2, heads=2)
END = "<|end|>"


def byte_tokenizer() -> Tokenizer:
    """One id a byte, and an end of text: a tokenizer that knows none of our special tokens."""
    alphabet = {sign: i for i, sign in enumerate(sorted(ByteLevel.alphabet()))}
    tokenizer = Tokenizer(tokenizer_models.BPE(vocab=alphabet, merges=[]))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens([END])
    return tokenizer


def language(tied: bool = True, words: int = 257) -> LlamaForCausalLM:
    torch.manual_seed(0)
    size = LlamaConfig(
        vocab_size=words,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=tied,
        eos_token_id=words - 1,
    )
    return LlamaForCausalLM(size)


def saved(folder: Path, model: LlamaForCausalLM) -> Path:
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=byte_tokenizer(), eos_token=END).save_pretrained(folder)
    return folder


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A tiny language model in half precision, as most are kept."""
    return saved(tmp_path / "language", language(request.param).bfloat16())


def lora_system(folder: Path) -> System:
    chosen = DecoderConfig(pretrained=str(folder), lora_rank=2, lora_dropout=0)
    return System.new(SystemConfig(encoder=SMALL, decoder=chosen), None)


EMPTY = torch.zeros(1, 0, 24), torch.zeros(1, 0, dtype=torch.bool)
TOKENS, LENGTHS = torch.tensor([[5, 6, 7, 257, 258, 259]]), torch.tensor([6])


def test_it_reads_what_it_was_trained_to_read_in_float32(folder: Path) -> None:
    system = lora_system(folder).eval()
    known = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    words = torch.tensor([[5, 6, 7]])
    assert torch.equal(system.words(words), known.get_input_embeddings()(words))
    assert torch.allclose(system(*EMPTY, words, torch.tensor([3]))[..., :257], known(words).logits, atol=1e-5)


def test_what_is_new_to_it_begins_as_what_it_knows(folder: Path) -> None:
    system = lora_system(folder)
    ids = {token: system.tokenizer.token_to_id(token) for token in (*SPECIAL, END)}
    assert [ids[token] for token in SPECIAL] == [257, 258, 259]
    (newline,) = system.tokenizer.encode("\n").ids
    for rows in (end.weight for end in (system.words.table, system.decoder.get_output_embeddings())):
        assert torch.equal(rows[ids[EOS]], rows[ids[END]])
        assert torch.equal(rows[ids[PAD]], rows[ids[END]])
        assert torch.equal(rows[ids[SEP]], rows[newline])


def test_lora_and_the_new_rows_are_trained_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    system = lora_system(folder)
    trained = [name for name, p in system.decoder.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora" in name or "trainable_tokens" in name for name in trained)
    before = system.words.table.weight.clone(), system.decoder.get_output_embeddings().weight.clone()
    parameters = [p for n, p in system.named_parameters() if p.requires_grad and not n.startswith("encoder.")]
    optimizer = Optimizer("muon", [Group(parameters, lr=0.01, weight_decay=0.1)], (0.9, 0.98), system.tables)
    for _ in range(3):
        optimizer.zero_grad()
        logits = system(*EMPTY, TOKENS, LENGTHS)
        torch.nn.functional.cross_entropy(logits[0, :-1], TOKENS[0, 1:]).backward()
        optimizer.step()
    system.eval()
    said = system(*EMPTY, TOKENS, LENGTHS)
    system.decoder = merged(system.decoder)
    assert torch.allclose(said, system(*EMPTY, TOKENS, LENGTHS), atol=1e-5)
    after = system.words.table.weight, system.decoder.get_output_embeddings().weight
    for old, new in zip(before, after, strict=True):
        changed = (old != new).any(-1).nonzero().flatten().tolist()
        assert changed == [257, 258, 259]
    system.save(tmp_path / "c", {})
    assert torch.allclose(said, System.load(tmp_path / "c")(*EMPTY, TOKENS, LENGTHS), atol=1e-5)


def test_lookups_are_no_matrices_to_muon(folder: Path) -> None:
    system = lora_system(folder)
    tables = {id(table) for table in system.tables}
    rows = [p for n, p in system.decoder.named_parameters() if "trainable_tokens" in n]
    assert rows
    assert all(id(p) in tables for p in rows)


def test_a_gguf_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    model = language(words=258)
    write_gguf(file, model)
    system = lora_system(file).eval()
    assert torch.equal(system.words(torch.tensor([[5, 6]])), model.get_input_embeddings()(torch.tensor([[5, 6]])))
    text = "Call Ada Lovelace, at 7:30."
    assert system.tokenizer.decode(system.tokenizer.encode(text).ids) == text
    said = system(*EMPTY, TOKENS, LENGTHS)
    system.decoder = merged(system.decoder)
    system.save(tmp_path / "c", {})
    assert torch.allclose(said, System.load(tmp_path / "c")(*EMPTY, TOKENS, LENGTHS), atol=1e-5)


def write_gguf(file: Path, model: LlamaForCausalLM) -> None:
    size = model.config
    writer = GGUFWriter(file, "llama")
    writer.add_context_length(size.max_position_embeddings)
    writer.add_embedding_length(size.hidden_size)
    writer.add_block_count(size.num_hidden_layers)
    writer.add_feed_forward_length(size.intermediate_size)
    writer.add_head_count(size.num_attention_heads)
    writer.add_head_count_kv(size.num_key_value_heads)
    writer.add_layer_norm_rms_eps(size.rms_norm_eps)
    writer.add_vocab_size(size.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([*sorted(ByteLevel.alphabet()), "Ġt", END])
    writer.add_token_types([*[1] * 257, 3])
    writer.add_token_merges(["Ġ t"])
    writer.add_eos_token_id(257)
    names = {"embed_tokens": "token_embd", "norm": "output_norm"}
    parts = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    names |= {f"layers.0.{ours}": f"blk.0.{theirs}" for ours, theirs in parts.items()}
    for name, weight in model.model.state_dict().items():
        writer.add_tensor(f"{names[name.removesuffix('.weight')]}.weight", weight.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    for name in ("nothing", "nothing.gguf"):
        with pytest.raises(ConfigError, match="cannot be loaded"):
            new_decoder(DecoderConfig(pretrained=str(tmp_path / name)), None)


def test_gguf_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(MissingExtra, match="train"):
        new_decoder(DecoderConfig(pretrained=str(tmp_path / "some.gguf")), None)


def test_training_takes_the_encoder_of_one_place_and_the_decoder_of_another(recordings: Path, tmp_path: Path) -> None:
    first = train(recordings, tmp_path / "first", config())
    chosen = saved(tmp_path / "language", language())
    settings = config(f"decoder.pretrained='{chosen}'", "decoder.lora_rank=2")
    second = System.load(train(recordings, tmp_path / "second", settings, What.decoder, init=first))
    weights = System.load(first).encoder.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in second.encoder.state_dict().items())
    assert second.language_config.vocab_size == 260
    other = config(f"decoder.pretrained='{chosen}'", "encoder.depth=2")
    with pytest.raises(ConfigError, match="was trained as"):
        train(recordings, tmp_path / "third", other, What.decoder, init=first)
