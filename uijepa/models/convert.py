"""V-JEPA 2's weights into our encoder: every tensor of theirs that computes features, or an error.

Reads what transformers' `VJEPA2Model` and `VJEPA2ForVideoClassification` save (hub names `facebook/vjepa2-*`, or a
local folder with `config.json` and safetensors). The converted encoder gives the features of `VJEPA2Model` on its
full grid, and takes any other grid and any subset of tokens, for positions come with the tokens.

Only the encoder's tensors are read from disk: no model of transformers is built on the way.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from uijepa.checkpoint import CONFIG, WEIGHTS
from uijepa.errors import CheckpointError, ConfigError, MissingExtra
from uijepa.grid import TUBELET
from uijepa.models.encoder import EPSILON, Encoder, EncoderConfig
from uijepa.video.tokens import DEVIATION, MEAN

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What V-JEPA 2 subtracts from pixels (0..1, red, green, blue) and divides them by."""

SKIPPED = {
    "predictor": "JEPA-tuning trains a predictor of its own",
    "pooler": "part of a classifier of videos",
    "classifier": "part of a classifier of videos",
}
"""First part of a name, and why such tensors are left out."""

_FIXED = {
    "patch_size": TUBELET[1],
    "tubelet_size": TUBELET[0],
    "in_chans": 3,
    "hidden_act": "gelu",
    "layer_norm_eps": EPSILON,
    "qkv_bias": True,
}
"""Settings of theirs that our encoder has built in."""

_REMEDY = "Give a hub name (facebook/vjepa2-*) where there is a network, or a folder with its files."
_UNFIT = f"The weights are not those of {CONFIG}: fetch both again from one place."


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Which tensors of a source went where. `str()` says it in words."""

    source: str
    revision: str
    """Commit of the hub's repository; empty for a folder from elsewhere."""
    mapped: Mapping[str, tuple[str, ...]]
    """Ours to theirs: their query, key and value lie in one tensor of ours."""
    skipped: Mapping[str, str]
    """Theirs that were left out, and why."""
    unknown: tuple[str, ...] = ()
    """Theirs that nothing here has a place for."""
    missing: tuple[str, ...] = ()
    """Ours that got nothing."""

    def __str__(self) -> str:
        taken = sum(len(theirs) for theirs in self.mapped.values())
        lines = [
            f"{self.source}{f' at {self.revision}' if self.revision else ''}: "
            f"{taken} tensors fill {len(self.mapped)} of the encoder's {len(self.mapped) + len(self.missing)}"
        ]
        for (part, why), count in Counter((name.split(".")[0], why) for name, why in self.skipped.items()).items():
            lines.append(f"{part}: {count} tensors left out ({why})")
        if self.unknown:
            lines.append(f"no place for {_some(self.unknown)}")
        if self.missing:
            lines.append(f"nothing for {_some(self.missing)}")
        return "; ".join(lines)


@dataclass(frozen=True, kw_only=True)
class Converted:
    """An encoder with V-JEPA 2's weights, and where they came from. `str()` says both in words."""

    encoder: Encoder
    coverage: Coverage

    def __str__(self) -> str:
        return f"{self.coverage}; {_size(self.encoder.config)}"


def convert(source: str, asked: EncoderConfig | None = None) -> Converted:
    """The encoder of a V-JEPA 2 hub name or local folder, in float32.

    `asked`: the configuration the encoder must have; the defaults of `EncoderConfig` ask for nothing.
    Raises CheckpointError when the source cannot be read or is no V-JEPA 2 encoder, or when a tensor is missing,
    left over or of another shape; ConfigError when the encoder is not of the size that was asked for.
    """
    path = _file(source, CONFIG)
    if path is None:
        raise CheckpointError(f"{source}: no {CONFIG} there. {_REMEDY}")
    config = _encoder_config(source, path)
    if asked not in (None, EncoderConfig(), config):
        raise ConfigError(
            f"{source} is an encoder of {_size(config)}; the configuration asks for {_size(asked)}. "
            "Leave the encoder's settings out: they follow from the weights."
        )
    with torch.device("meta"):  # names and shapes only: the weights come from the source
        encoder = Encoder(config)
    wanted = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
    with ExitStack() as files:
        stored = _open(source, files)
        coverage = _coverage(source, _revision(path), wanted, set(stored))
        if coverage.missing or coverage.unknown:
            raise CheckpointError(f"{coverage}. {_UNFIT}")
        _check_shapes(source, coverage, wanted, stored)
        read = {ours: torch.cat([stored[name].read() for name in names]) for ours, names in coverage.mapped.items()}
    read["embed.weight"], read["embed.bias"] = linear_embedding(read["embed.weight"], read["embed.bias"])
    encoder.load_state_dict(read, strict=True, assign=True)
    return Converted(encoder=encoder.eval(), coverage=coverage)


def mapping(depth: int) -> dict[str, tuple[str, ...]]:
    """Names of our encoder's tensors to those of transformers' `VJEPA2Model`, for `depth` blocks."""
    modules: dict[str, tuple[str, ...]] = {
        "embed": ("embeddings.patch_embeddings.proj",),
        "trunk.norm": ("layernorm",),
    }
    for number in range(depth):
        ours, theirs = f"trunk.blocks.{number}", f"layer.{number}"
        modules |= {
            f"{ours}.norm1": (f"{theirs}.norm1",),
            f"{ours}.qkv": tuple(f"{theirs}.attention.{part}" for part in ("query", "key", "value")),
            f"{ours}.out": (f"{theirs}.attention.proj",),
            f"{ours}.norm2": (f"{theirs}.norm2",),
            f"{ours}.up": (f"{theirs}.mlp.fc1",),
            f"{ours}.down": (f"{theirs}.mlp.fc2",),
        }
    return {
        f"{ours}.{kind}": tuple(f"encoder.{part}.{kind}" for part in theirs)
        for ours, theirs in modules.items()
        for kind in ("weight", "bias")
    }


def linear_embedding(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Their convolution over ImageNet-normalised frames as our linear layer over normalised tubelets.

    weight: [D, 3, 2, 16, 16], bias: [D]; gives [D, 1536] and [D]. With our x = (v - m) / s and their
    y = (v - M) / S of the same pixel v: y = x s/S + (m - M)/S, so s/S goes into the weight and the rest into the
    bias.
    """
    mean, deviation = (torch.tensor(values, dtype=torch.float64) for values in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    flat = weight.double().movedim(1, -1)  # D 2 16 16 3: (frame, row, column, channel), as tubelets lie
    shifted = bias.double() + (flat * ((MEAN - mean) / deviation)).sum((1, 2, 3, 4))
    return (flat * (DEVIATION / deviation)).flatten(1).to(weight.dtype), shifted.to(bias.dtype)


@dataclass(frozen=True)
class _Stored:
    """A tensor on disk, not yet read."""

    file: Any
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.file.get_slice(self.name).get_shape())

    def read(self) -> Tensor:
        tensor: Tensor = self.file.get_tensor(self.name)
        return tensor.float()


def _file(source: str, name: str) -> Path | None:
    """A file of a local folder or of the hub, downloaded once; None where the source has no such file."""
    try:
        from transformers.utils.hub import cached_file
    except ImportError as error:
        raise MissingExtra("transformers", "train", "Loading V-JEPA 2") from error
    try:
        found = cached_file(source, name, _raise_exceptions_for_missing_entries=False)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{source}: cannot be read ({error}). {_REMEDY}") from error
    return None if found is None else Path(found)


def _revision(path: Path) -> str:
    from transformers.utils.hub import extract_commit_hash

    return extract_commit_hash(str(path), None) or ""


def _encoder_config(source: str, path: Path) -> EncoderConfig:
    """Our configuration of the encoder that a config.json describes."""
    from transformers import VJEPA2Config

    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        kind = values.get("model_type")
        theirs: Any = VJEPA2Config.from_dict(values) if kind == VJEPA2Config.model_type else None
    except Exception as error:  # each version of transformers has its own for a wrong value
        raise CheckpointError(f"{source}: its {CONFIG} is damaged ({error}).") from error
    if theirs is None:
        raise CheckpointError(f"{source}: its {CONFIG} describes a model of type {kind!r}, not 'vjepa2'. {_REMEDY}")
    odd = [
        f"{key} {getattr(theirs, key)!r}, not {ours!r}"
        for key, ours in _FIXED.items()
        if getattr(theirs, key) != ours
    ]
    if odd:
        raise CheckpointError(f"{source}: an encoder that this project cannot compute: {_some(odd)}.")
    width = theirs.hidden_size
    try:
        return EncoderConfig(
            width=width,
            depth=theirs.num_hidden_layers,
            heads=theirs.num_attention_heads,
            mlp=int(width * theirs.mlp_ratio) / width,
            rotary="vjepa2",
        )
    except ConfigError as error:
        raise CheckpointError(f"{source}: its {CONFIG} describes no encoder ({error})") from error


def _open(source: str, files: ExitStack) -> dict[str, _Stored]:
    """Every tensor of a source by its name in `VJEPA2Model`; open until `files` closes."""
    from safetensors import SafetensorError, safe_open

    if (whole := _file(source, WEIGHTS)) is not None:
        paths = [whole]
    elif (index := _file(source, f"{WEIGHTS}.index.json")) is not None:
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        paths = [path for shard in shards if (path := _file(source, shard)) is not None]
    else:
        raise CheckpointError(f"{source}: no {WEIGHTS} there. {_REMEDY}")
    stored: dict[str, _Stored] = {}
    for path in paths:
        try:
            file = files.enter_context(safe_open(path, framework="pt"))
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path}: damaged ({error}). Download it again.") from error
        # A classifier holds the encoder under this prefix.
        stored |= {name.removeprefix("vjepa2."): _Stored(file, name) for name in file.keys()}  # noqa: SIM118
    return stored


def _coverage(source: str, revision: str, wanted: Mapping[str, tuple[int, ...]], stored: set[str]) -> Coverage:
    depth = sum(name.endswith(".norm1.weight") for name in wanted)
    names = mapping(depth)
    mapped = {ours: names[ours] for ours in wanted if stored.issuperset(names[ours])}
    used = {name for theirs in mapped.values() for name in theirs}
    left = sorted(stored - used)
    skipped = {name: why for name in left if (why := SKIPPED.get(name.split(".")[0])) is not None}
    return Coverage(
        source=source,
        revision=revision,
        mapped=mapped,
        skipped=skipped,
        unknown=tuple(name for name in left if name not in skipped),
        missing=tuple(ours for ours in wanted if ours not in mapped),
    )


def _check_shapes(
    source: str, coverage: Coverage, wanted: Mapping[str, tuple[int, ...]], stored: Mapping[str, _Stored]
) -> None:
    odd = []
    for ours, names in coverage.mapped.items():
        rows, *rest = wanted[ours]
        fits = (rows // len(names), *((3, *TUBELET) if ours == "embed.weight" else rest))
        odd += [f"{n} {list(stored[n].shape)}, not {list(fits)}" for n in names if stored[n].shape != fits]
    if odd:
        raise CheckpointError(f"{source}: {_some(odd)}. {_UNFIT}")


def _size(config: EncoderConfig) -> str:
    size = f"{config.depth} blocks, {config.width} wide, {config.heads} heads, an MLP of {config.mlp_width}"
    places = f", absolute places of {config.places} frequencies" if config.places else ""
    return f"{size}, rotary {config.rotary!r}{places}"


def _some(items: Sequence[str]) -> str:
    """The first few, and how many more."""
    shown = ", ".join(items[:4])
    return shown if len(items) <= 4 else f"{shown} and {len(items) - 4} more"
