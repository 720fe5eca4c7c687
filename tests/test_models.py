"""Encoder, predictor, decoder, system: rotary positions, padding, packing, checkpoints."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from uijepa import checkpoint
from uijepa.errors import CheckpointError, ConfigError
from uijepa.jepa.health import attention_entropy
from uijepa.models.decoder import DecoderConfig, new_tokenizer
from uijepa.models.encoder import REACH, Encoder, EncoderConfig, fourier, frequencies, rotary, rotate
from uijepa.models.predictor import Predictor
from uijepa.models.system import System, SystemConfig

TEXTS = ["Set an alarm for 7:30 AM labelled Gym.", "Call Maria Lopez.", "Send Ana the message see you at 5."]
SMALL = EncoderConfig(width=24, depth=2, heads=2)
TINY = DecoderConfig(vocabulary=300, width=32, depth=2, heads=2, text_tokens=16)


def tiny_system() -> System:
    torch.manual_seed(0)
    config = SystemConfig(encoder=SMALL, decoder=TINY)
    return System.new(config, new_tokenizer(TEXTS, TINY.vocabulary)).eval()


def some_tokens(batch: int, count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    positions = torch.randint(0, 9, (batch, count, 3), generator=generator)
    return torch.randn(batch, count, 1536, generator=generator), positions


def test_rotary_turns_each_pair_by_its_coordinate() -> None:
    position = torch.tensor([[[3, 5, 7]]])
    cos, sin = rotary(position, 20)
    x = torch.randn(1, 1, 1, 20)
    turned = rotate(x, cos, sin)[0, 0, 0]
    for pair in range(10):
        axis, frequency = divmod(pair, 3)
        angle = 0.0 if axis == 3 else float(position[0, 0, axis]) * 10000.0 ** -(frequency / 3)
        a, b = x[0, 0, 0, 2 * pair : 2 * pair + 2].tolist()
        wanted = (a * math.cos(angle) - b * math.sin(angle), b * math.cos(angle) + a * math.sin(angle))
        assert turned[2 * pair : 2 * pair + 2].tolist() == pytest.approx(wanted, abs=1e-5)


def test_a_new_encoder_attends_to_some_tokens_more_than_to_others() -> None:
    def attention(std: float) -> float:
        torch.manual_seed(0)
        encoder = Encoder(EncoderConfig(width=192, depth=4, heads=3, initial_std=std))
        return float(attention_entropy(encoder, *some_tokens(4, 64), torch.ones(4, 64, dtype=torch.bool)).mean())

    assert attention(0.02) > 0.998
    assert attention(0) < 0.96
    with pytest.raises(ConfigError, match="initial_std"):
        EncoderConfig(initial_std=-1)


def test_features_depend_on_relative_places_only() -> None:
    encoder = Encoder(SMALL)
    for block in encoder.trunk.blocks:
        torch.nn.init.normal_(block.qkv.weight)  # attention paid to few
        torch.nn.init.normal_(block.out.weight)
    values, positions = some_tokens(1, 6)
    moved = encoder(values, positions + torch.tensor([2, 11, 5]))
    assert torch.allclose(encoder(values, positions), moved, atol=1e-3)
    assert not torch.allclose(encoder(values, positions), encoder(values, positions.flip(1)), atol=1e-2)


def test_absolute_places_count_where_they_are_asked_for() -> None:
    encoder = Encoder(EncoderConfig(width=24, depth=2, heads=2, initial_std=0, places=16))
    values, positions = some_tokens(1, 6)
    moved = positions + torch.tensor([0, 3, 1])
    assert not torch.allclose(encoder(values, positions), encoder(values, moved), atol=0.1)
    with pytest.raises(ConfigError, match="places"):
        EncoderConfig(places=-1)


def test_features_of_places_are_as_alike_as_places_are_near() -> None:
    _, positions = some_tokens(1, 30)
    features = fourier(positions[0], frequencies(2048))
    distances = torch.cdist(positions[0].double(), positions[0].double())
    wanted = torch.exp(-distances.square() / (2 * REACH**2))
    assert torch.allclose((features @ features.T / features.shape[-1]).double(), wanted, atol=0.08)


def test_padding_changes_nothing() -> None:
    encoder = Encoder(SMALL)
    values, positions = some_tokens(2, 7)
    mask = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    padded = encoder(values, positions, mask)
    assert torch.allclose(padded[0], encoder(values[:1], positions[:1])[0], atol=1e-5)
    assert torch.allclose(padded[1, :4], encoder(values[1:, :4], positions[1:, :4])[0], atol=1e-5)


def test_the_order_of_tokens_does_not_matter() -> None:
    encoder = Encoder(SMALL)
    values, positions = some_tokens(1, 7)
    order = torch.tensor([3, 1, 6, 0, 2, 5, 4])
    assert torch.allclose(
        encoder(values, positions)[:, order], encoder(values[:, order], positions[:, order]), atol=1e-5
    )


def test_the_predictor_ignores_padding() -> None:
    predictor = Predictor(24, EncoderConfig(width=12, depth=1, heads=2))
    _, positions = some_tokens(1, 9)
    features = torch.randn(1, 5, 24)
    real = torch.ones(1, 9, dtype=torch.bool)
    whole, _ = predictor(features[:, :4], positions[:, :4], real[:, :4], positions[:, 5:8], real[:, 5:8])
    visible_mask = torch.tensor([[True] * 4 + [False]])
    hidden_mask = torch.tensor([[True] * 3 + [False]])
    padded, _ = predictor(features, positions[:, :5], visible_mask, positions[:, 5:], hidden_mask)
    assert torch.allclose(whole, padded[:, :3], atol=1e-5)


def test_a_clip_gets_the_same_logits_alone_and_in_a_batch() -> None:
    system = tiny_system()
    values, positions = some_tokens(3, 6)
    counts, lengths = torch.tensor([6, 2, 4]), torch.tensor([5, 9, 3])
    mask = torch.arange(6)[None] < counts[:, None]
    tokens = torch.randint(3, 200, (3, 9), generator=torch.Generator().manual_seed(2))
    together = system(system.encoder(values, positions, mask), mask, tokens, lengths)
    for row in range(3):
        count, length = int(counts[row]), int(lengths[row])
        features = system.encoder(values[row : row + 1, :count], positions[row : row + 1, :count])
        # The reference: embeddings joined by hand, through the plain language model.
        table = system.decoder.get_input_embeddings()(tokens[row, :length])
        carried = [torch.zeros_like(table[0]), *(system.carry.weight @ word for word in table[:-1])]
        words = (table + torch.stack(carried))[None]
        joined = torch.cat([system.projector(features), words], dim=1)
        alone = system.decoder(inputs_embeds=joined).logits[:, count:]
        assert torch.allclose(together[row : row + 1, :length], alone, atol=1e-4)


def test_text_alone_needs_no_video() -> None:
    system = tiny_system()
    tokens = torch.randint(3, 200, (2, 5), generator=torch.Generator().manual_seed(2))
    nothing = torch.zeros(2, 0, 24)
    logits = system(nothing, torch.zeros(2, 0, dtype=torch.bool), tokens, torch.tensor([5, 5]))
    assert torch.allclose(logits, system.decoder(inputs_embeds=system.words(tokens)).logits, atol=1e-5)


@pytest.mark.parametrize("pointer", [0, 8])
def test_logits_may_be_asked_for_at_some_places_only(pointer: int) -> None:
    torch.manual_seed(0)
    config = SystemConfig(encoder=SMALL, decoder=replace(TINY, pointer=pointer))
    system = System.new(config, new_tokenizer(TEXTS, TINY.vocabulary)).eval()
    tokens = torch.randint(3, 200, (2, 7), generator=torch.Generator().manual_seed(2))
    asked = torch.tensor([[0, 0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1]], dtype=torch.bool)
    given = torch.zeros(2, 0, 24), torch.zeros(2, 0, dtype=torch.bool), tokens, torch.tensor([5, 7])
    assert torch.allclose(system(*given, asked), system(*given)[asked], atol=1e-6)


def test_a_tokenizer_spells_what_it_never_saw() -> None:
    tokenizer = new_tokenizer(TEXTS, 300)
    for text in ("Żółw 東京 ☎ 23:59", "7:45 PM", "labelled Zumba"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert [tokenizer.token_to_id(t) for t in ("<pad>", "<sep>", "<eos>")] == [0, 1, 2]


def test_a_saved_system_comes_back_whole(tmp_path: Path) -> None:
    system = tiny_system()
    system.save(tmp_path / "c", {"note": "test"})
    again = System.load(tmp_path / "c")
    assert again.config == system.config
    for (name, a), (other, b) in zip(system.state_dict().items(), again.state_dict().items(), strict=True):
        assert name == other
        assert torch.equal(a, b)
    assert again.decoder.get_output_embeddings().weight is again.decoder.get_input_embeddings().weight
    assert checkpoint.load(tmp_path / "c").provenance == {"note": "test"}


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    with pytest.raises(CheckpointError, match=r"no model.safetensors"):
        System.load(folder)
    system = tiny_system()
    system.save(folder, {})
    weights = system.state_dict()
    weights["surplus"] = torch.zeros(3)
    saved = checkpoint.load(folder)
    checkpoint.save(folder, weights, saved.config, {}, {"tokenizer.json": system.tokenizer.to_str()})
    with pytest.raises(CheckpointError, match="surplus"):
        System.load(folder)
    (folder / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(CheckpointError, match="damaged"):
        System.load(folder)
