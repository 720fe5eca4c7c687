"""V-JEPA 2 weights in our encoder: the same features as transformers' model, on any tokens, or an error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import VJEPA2Config, VJEPA2ForVideoClassification, VJEPA2Model
from transformers.utils import logging

from export.graphs import _Encoder, _export
from tests.tiny_training import config as train_config
from uijepa import checkpoint
from uijepa.config import build, plain
from uijepa.errors import CheckpointError, ConfigError
from uijepa.grid import Grid
from uijepa.models.convert import convert, linear_embedding, mapping
from uijepa.models.encoder import Encoder, EncoderConfig
from uijepa.models.system import System
from uijepa.train import What, train
from uijepa.video.tokens import normalise, patchify

IMAGENET = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
SIZES = {
    "head of 16": ((48, 3, 2, 64, 6), 4.0),
    "head of 12": ((24, 2, 1, 48, 4), 4.0),
    "head of 20": ((20, 1, 3, 32, 8), 3.0),
    "head of 22": ((44, 2, 1, 32, 4), 48 / 11),
}
"""Width, heads, blocks, side in px and frames; ratio of the MLP. Widths of a head that divide by 6 and that do not;
the last MLP is that of ViT-g, no whole multiple."""


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.disable_progress_bar()


def reference(size: str) -> VJEPA2Model:
    """A random model, its weights large enough that places and pixels show in the features."""
    names = ("hidden_size", "num_attention_heads", "num_hidden_layers", "crop_size", "frames_per_clip")
    numbers, ratio = SIZES[size]
    predictor = {"pred_hidden_size": 12, "pred_num_attention_heads": 1, "pred_num_hidden_layers": 1}
    torch.manual_seed(0)
    model = VJEPA2Model(VJEPA2Config(**dict(zip(names, numbers, strict=True)), mlp_ratio=ratio, **predictor))
    for name, parameter in model.named_parameters():
        torch.nn.init.normal_(parameter, mean=float("norm" in name), std=0.05 if "embeddings" in name else 0.3)
    return model.eval()


@pytest.fixture(scope="module", params=SIZES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[VJEPA2Model, Encoder]:
    """Their model and our encoder with its weights, by way of a folder."""
    model = reference(request.param)
    folder = tmp_path_factory.mktemp("vjepa2")
    model.save_pretrained(folder)
    return model, convert(str(folder)).encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as its makers publish it. Tests must not change it: copy it first."""
    folder = tmp_path_factory.mktemp("vjepa2") / "model"
    reference("head of 16").save_pretrained(folder)
    return folder


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "model")


def some_frames(model: VJEPA2Model, seed: int = 0) -> tuple[np.ndarray, Grid]:
    """A clip [frames, H, W, 3] of the model's own size, and its grid."""
    size, frames = model.config.crop_size, model.config.frames_per_clip
    pixels = np.random.default_rng(seed).integers(0, 256, (frames, size, size, 3), np.uint8)
    return pixels, Grid(frames // 2, size // 16, size // 16)


def theirs_of(pixels: np.ndarray) -> Tensor:
    """Pixels as their processor gives them: [1, frames, 3, H, W], ImageNet-normalised."""
    mean, deviation = IMAGENET
    return ((torch.from_numpy(pixels).float() / 255 - mean) / deviation).permute(0, 3, 1, 2)[None]


def ours_of(pixels: np.ndarray, grid: Grid) -> tuple[Tensor, Tensor]:
    """All tubelets of a clip as our encoder takes them, and their places."""
    values = normalise(patchify(pixels, grid).reshape(grid.tokens, -1))
    return torch.from_numpy(values)[None], torch.from_numpy(np.argwhere(np.ones((grid.t, grid.h, grid.w))))[None]


@torch.no_grad()
def their_features(model: VJEPA2Model, embedded: Tensor, places: Tensor) -> Tensor:
    """Their encoder on chosen tokens: ids on the model's own grid stand in for positions."""
    side = model.config.crop_size // 16
    ids = (places * torch.tensor([side * side, side, 1])).sum(-1)
    for layer in model.encoder.layer:
        embedded = layer(embedded, ids)[0]
    return model.encoder.layernorm(embedded)


@torch.no_grad()
def test_the_full_grid_has_the_features_of_transformers(pair: tuple[VJEPA2Model, Encoder]) -> None:
    model, encoder = pair
    pixels, grid = some_frames(model)
    wanted = model(theirs_of(pixels), skip_predictor=True).last_hidden_state
    got = encoder(*ours_of(pixels, grid))
    assert (got - wanted).abs().max() <= 1e-4
    assert wanted.std() > 0.3
    # Their rotary is not ours: the same weights with pairs that share an angle give something else.
    other = Encoder(EncoderConfig(**{**plain(encoder.config), "rotary": "pairs"}))
    other.load_state_dict(encoder.state_dict())
    assert (other(*ours_of(pixels, grid)) - wanted).abs().max() > 1e-2


@torch.no_grad()
@settings(max_examples=20)
@given(data=st.data())
def test_any_tokens_have_the_features_of_transformers(pair: tuple[VJEPA2Model, Encoder], data: st.DataObject) -> None:
    """Subsets in any order, and whole grids that are not square, padded to a batch."""
    model, encoder = pair
    pixels, grid = some_frames(model)
    values, places = ours_of(pixels, grid)
    if data.draw(st.booleans(), label="a grid"):
        limits = torch.tensor([data.draw(st.integers(1, most)) for most in (grid.t, grid.h, grid.w)])
        chosen = torch.nonzero((places[0] < limits).all(-1)).flatten()
    else:
        chosen = torch.tensor(
            data.draw(st.lists(st.integers(0, grid.tokens - 1), min_size=1, unique=True), label="tokens")
        )
    embedded = model.encoder.embeddings(theirs_of(pixels))
    wanted = their_features(model, embedded[:, chosen], places[:, chosen])
    padding = data.draw(st.integers(0, 3), label="padding")
    index = torch.cat([chosen, torch.zeros(padding, dtype=torch.long)])
    mask = (torch.arange(len(index)) < len(chosen))[None]
    got = encoder(values[:, index], places[:, index], mask)[:, : len(chosen)]
    assert (got - wanted).abs().max() <= 1e-4


@torch.no_grad()
def test_a_longer_clip_than_the_model_was_made_for(pair: tuple[VJEPA2Model, Encoder]) -> None:
    model, encoder = pair
    pixels, grid = some_frames(model)
    longer = np.concatenate([pixels, pixels[::-1]])
    wanted = model(theirs_of(longer), skip_predictor=True).last_hidden_state
    assert (encoder(*ours_of(longer, Grid(2 * grid.t, grid.h, grid.w))) - wanted).abs().max() <= 1e-4


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_embedding_takes_the_difference_of_normalisations(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(5, 3, 2, 16, 16, generator=generator, dtype=torch.float64)
    bias = torch.randn(5, generator=generator, dtype=torch.float64)
    pixels = np.random.default_rng(seed).integers(0, 256, (2, 16, 16, 3), np.uint8)
    mean, deviation = (values.double() for values in IMAGENET)
    theirs = (torch.from_numpy(pixels).double() / 255 - mean) / deviation  # (frame, row, column, channel)
    wanted = torch.einsum("dcfij,fijc->d", weight, theirs) + bias
    ours_weight, ours_bias = linear_embedding(weight, bias)
    got = ours_weight @ torch.from_numpy(normalise(pixels.reshape(-1))).double() + ours_bias
    assert torch.allclose(got, wanted, atol=1e-4)


def test_the_report_says_what_went_where(folder: Path) -> None:
    made = convert(str(folder))
    coverage, names = made.coverage, load_file(folder / "model.safetensors").keys()
    assert coverage.mapped.keys() == made.encoder.state_dict().keys() == mapping(2).keys()
    used = [name for theirs in coverage.mapped.values() for name in theirs]
    assert sorted([*used, *coverage.skipped]) == sorted(names)  # each once
    assert {name.split(".")[0] for name in coverage.skipped} == {"predictor"}
    assert (coverage.missing, coverage.unknown) == ((), ())
    assert str(coverage) == (
        f"{folder}: 36 tensors fill 28 of the encoder's 28; "
        "predictor: 23 tensors left out (JEPA-tuning trains a predictor of its own)"
    )
    assert made.encoder.config == EncoderConfig(width=48, depth=2, heads=3, mlp=4, rotary="vjepa2")
    assert str(made) == f"{coverage}; 2 blocks, 48 wide, 3 heads, an MLP of 192, rotary 'vjepa2'"
    assert all(p.requires_grad and p.dtype == torch.float32 and not p.is_meta for p in made.encoder.parameters())


def same(a: Encoder, b: Encoder) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_classifier_and_shards_bring_the_same_encoder(folder: Path, tmp_path: Path) -> None:
    wanted = convert(str(folder)).encoder
    model = VJEPA2Model.from_pretrained(folder)
    model.save_pretrained(tmp_path / "shards", max_shard_size="100KB")
    assert not (tmp_path / "shards" / "model.safetensors").exists()
    assert same(convert(str(tmp_path / "shards")).encoder, wanted)
    classifier = VJEPA2ForVideoClassification(model.config)
    classifier.vjepa2.load_state_dict(model.state_dict())
    classifier.save_pretrained(tmp_path / "classifier")
    made = convert(str(tmp_path / "classifier"))
    assert same(made.encoder, wanted)
    assert {name.split(".")[0] for name in made.coverage.skipped} == {"predictor", "pooler", "classifier"}


def test_the_commit_of_the_hub_is_told(folder: Path, tmp_path: Path) -> None:
    commit = "0123456789abcdef" * 2 + "01234567"
    cached = shutil.copytree(folder, tmp_path / "models--facebook--tiny" / "snapshots" / commit)
    assert str(convert(str(cached)).coverage).startswith(f"{cached} at {commit}: 36 tensors")


def test_half_precision_is_read_as_float32(folder: Path, tmp_path: Path) -> None:
    model = VJEPA2Model.from_pretrained(folder)
    model.bfloat16().save_pretrained(tmp_path / "half")
    encoder = convert(str(tmp_path / "half")).encoder
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    wanted = model.float().encoder.layer[0].mlp.fc1.weight
    assert torch.equal(encoder.trunk.blocks[0].up.weight, wanted)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("model_type", "llama", "a model of type 'llama', not 'vjepa2'"),
        ("hidden_size", "wide", "config.json is damaged"),
        ("hidden_size", 60, r"proj.weight \[48, 3, 2, 16, 16\], not \[60, 3, 2, 16, 16\]"),
        ("mlp_ratio", 3.0, r"mlp.fc1.weight \[192, 48\], not \[144, 48\]"),
        ("num_attention_heads", 5, "width 48 must split into 5 heads"),
        ("num_hidden_layers", 3, "nothing for trunk.blocks.2.norm1.weight"),
        ("num_hidden_layers", 1, "no place for encoder.layer.1.attention.key.bias"),
        ("patch_size", 14, "patch_size 14, not 16"),
        ("hidden_act", "relu", "hidden_act 'relu', not 'gelu'"),
        ("layer_norm_eps", 1e-5, "layer_norm_eps 1e-05, not 1e-06"),
    ],
)
def test_a_folder_that_does_not_fit_is_named(copied: Path, setting: str, value: Any, message: str) -> None:
    path = copied / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {setting: value}))
    with pytest.raises(CheckpointError, match=f"{copied}.*{message}"):
        convert(str(copied))


def test_a_lost_tensor_is_named(copied: Path) -> None:
    path = copied / "model.safetensors"
    tensors = load_file(path)
    del tensors["encoder.layer.1.attention.key.bias"]
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=r"fill 27 of the encoder's 28.*nothing for trunk.blocks.1.qkv.bias"):
        convert(str(copied))


def test_a_damaged_or_absent_file_is_named(copied: Path, tmp_path: Path) -> None:
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model.safetensors: damaged"):
        convert(str(copied))
    path.unlink()
    with pytest.raises(CheckpointError, match=r"no model.safetensors there"):
        convert(str(copied))
    (copied / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config.json is damaged"):
        convert(str(copied))
    (copied / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"no config.json there"):
        convert(str(copied))
    with pytest.raises(CheckpointError, match=r"nowhere.*Give a hub name"):
        convert(str(tmp_path / "nowhere"))


def test_the_size_follows_from_the_weights(folder: Path) -> None:
    config = convert(str(folder), EncoderConfig()).encoder.config
    assert convert(str(folder), config).encoder.config == config
    with pytest.raises(ConfigError, match=r"2 blocks, 48 wide.*asks for 4 blocks, 48 wide"):
        convert(str(folder), EncoderConfig(width=48, depth=4, heads=3, rotary="vjepa2"))


def test_configurations_from_before_still_load() -> None:
    old = {"width": 192, "depth": 8, "heads": 3, "mlp": 4}
    assert build(EncoderConfig, old) == EncoderConfig()
    assert EncoderConfig().mlp_width == 768
    with pytest.raises(ConfigError, match="rotary"):
        build(EncoderConfig, old | {"rotary": "tiled"})
    with pytest.raises(ConfigError, match="even width"):
        EncoderConfig(width=21, heads=3)


def test_onnx_says_what_the_converted_encoder_says(folder: Path) -> None:
    encoder = convert(str(folder)).encoder
    tokens = torch.export.Dim("tokens", min=1, max=1 << 16)
    example = torch.zeros(1, 7, 1536), torch.arange(21).reshape(1, 7, 3)
    inputs = {name: (value, {1: tokens}) for name, value in zip(("values", "positions"), example, strict=True)}
    graph = _export(_Encoder(encoder), inputs, ["features"])
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    generator = torch.Generator().manual_seed(3)
    for count in (1, 11, 40):
        values = torch.randn(1, count, 1536, generator=generator)
        places = torch.randint(0, 20, (1, count, 3), generator=generator)
        (got,) = session.run(None, {"values": values.numpy(), "positions": places.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(got, encoder(values, places).numpy(), atol=1e-4)


def test_training_starts_from_vjepa2(folder: Path, recordings: Path, tmp_path: Path) -> None:
    plain_size = train_config("pretrain.steps=2", "tune.steps=1", "tune.text_steps=1", f"encoder_from={folder}")
    with pytest.raises(ConfigError, match="asks for 1 blocks, 24 wide"):
        train(recordings, tmp_path / "run", plain_size)
    overrides = ["encoder.width=48", "encoder.depth=2", "encoder.heads=3", "encoder.rotary=vjepa2"]
    settings = train_config("pretrain.steps=2", "pretrain.lr=0.0", *overrides, f"encoder_from={folder}")
    with pytest.raises(ConfigError, match="give one of them"):
        train(recordings, tmp_path / "run", settings, init=folder)
    trained = checkpoint.load(train(recordings, tmp_path / "run", settings, What.pretrain))
    wanted = convert(str(folder)).encoder.state_dict()
    assert all(torch.equal(trained.weights[name], tensor) for name, tensor in wanted.items())  # at a rate of zero
    assert trained.provenance["encoder_from"].startswith(f"{folder}: 36 tensors fill 28")
    assert build(EncoderConfig, trained.config["encoder"]).rotary == "vjepa2"
    alone = train_config("tune.steps=1", "tune.text_steps=1", *overrides, f"encoder_from={folder}")
    system = System.load(train(recordings, tmp_path / "decoder", alone, What.decoder))
    assert same(system.encoder, convert(str(folder)).encoder)  # frozen, and not drawn at random
