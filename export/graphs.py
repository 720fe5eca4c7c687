"""The system as four ONNX graphs, each with its weights inside.

The wrappers give each graph flat tensors in and out, and the names `uijepa.runtime.sessions` asks for.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import onnx
import torch
from torch import Tensor, nn
from torch.export import Dim
from transformers.cache_utils import DynamicCache

from uijepa.models.encoder import Encoder
from uijepa.models.pointer import Pointer
from uijepa.models.system import System
from uijepa.runtime.bundle import Shapes

OPSET = 18

_LONGEST = 1 << 16
"""Most positions along a dynamic axis; a bound the exporter asks for."""


class _Encoder(nn.Module):
    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, values: Tensor, positions: Tensor) -> Tensor:
        features: Tensor = self.encoder(values, positions, None)
        return features


class _Decoder(nn.Module):
    """A causal LM with its cache as flat tensors: key and value of each layer, [1, heads, past, head values].

    Gives logits of the last position only: nobody reads those of a prompt's other positions, and the vocabulary
    is the widest product of a small model.
    """

    def __init__(self, language: Any) -> None:
        super().__init__()
        self.model = language.get_decoder()
        self.head = language.get_output_embeddings()
        self.config = language.config

    def forward(self, embeddings: Tensor, past: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        states, present = self.read(embeddings, past)
        return (self.head(states[:, -1:]), *present)

    def read(self, embeddings: Tensor, past: tuple[Tensor, ...]) -> tuple[Tensor, list[Tensor]]:
        """The model's last states [1, steps, H], and the cache with them."""
        cache = DynamicCache(config=self.config)
        for layer in range(len(past) // 2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        places = torch.arange(embeddings.shape[1], dtype=torch.int64) + past[0].shape[2]
        out = self.model(inputs_embeds=embeddings, past_key_values=cache, position_ids=places[None], use_cache=True)
        present: list[Tensor] = []
        for held in out.past_key_values.layers:
            present += [held.keys, held.values]
        return out.last_hidden_state, present


class _PointingDecoder(nn.Module):
    """The same with a pointer. Cached too: the words so far [1, past] and the keys of their states [1, past, keys].

    A word is -1 where the embedding is of the video.
    """

    def __init__(self, language: Any, pointer: Pointer) -> None:
        super().__init__()
        self.decoder = _Decoder(language)
        self.pointer = pointer

    def forward(
        self, embeddings: Tensor, words: Tensor, past: tuple[Tensor, ...], past_words: Tensor, past_keys: Tensor
    ) -> tuple[Tensor, ...]:
        states, present = self.decoder.read(embeddings, past)
        words = torch.cat([past_words, words], 1)
        keys = torch.cat([past_keys, self.pointer.key(states)], 1)
        state = states[:, -1:]
        return (self.pointer.last(state, words, keys, self.decoder.head(state)), *present, words, keys)


def shapes(system: System) -> Shapes:
    """The sizes the four graphs of a system agree on."""
    language = system.language_config
    heads = int(language.num_attention_heads)
    return Shapes(
        features=system.projector.in_features,
        embeddings=system.projector.out_features,
        vocabulary=int(system.decoder.get_output_embeddings().weight.shape[0]),  # type: ignore[operator]
        layers=int(language.num_hidden_layers),
        kv_heads=int(getattr(language, "num_key_value_heads", None) or heads),
        head_values=int(getattr(language, "head_dim", None) or language.hidden_size // heads),
        pointer=0 if system.pointer is None else system.pointer.key.out_features,
    )


def graphs(system: System) -> dict[str, onnx.ModelProto]:
    """The graphs of a system by file name, in float32.

    Shapes: see `uijepa.runtime.sessions.Graphs`. Batch is 1; tokens, steps and past are dynamic, and the past may
    be empty.
    """
    sizes = shapes(system)
    system = system.float().eval()
    tokens, steps = Dim("tokens", min=1, max=_LONGEST), Dim("steps", min=1, max=_LONGEST)
    values = torch.zeros(1, 7, system.encoder.embed.in_features)
    positions = torch.arange(21).reshape(1, 7, 3)
    return {
        "encoder.onnx": _export(
            _Encoder(system.encoder),
            {"values": (values, {1: tokens}), "positions": (positions, {1: tokens})},
            ["features"],
        ),
        "projector.onnx": _export(
            system.projector, {"features": (torch.zeros(1, 7, sizes.features), {1: tokens})}, ["embeddings"]
        ),
        "embed.onnx": _export(
            system.words,
            {"ids": (torch.zeros(1, 3, dtype=torch.int64), {1: steps})},
            ["embeddings"],
        ),
        "decoder.onnx": _decoder(system, sizes, steps),
    }


def _decoder(system: System, sizes: Shapes, steps: Dim) -> onnx.ModelProto:
    past = Dim("past", min=0, max=_LONGEST)
    held = torch.zeros(1, sizes.kv_heads, 5, sizes.head_values)
    flat = tuple(held.clone() for _ in range(2 * sizes.layers))
    names = [f"{kind}_{layer}" for layer in range(sizes.layers) for kind in ("key", "value")]
    new: dict[str, Any] = {"embeddings": (torch.zeros(1, 3, sizes.embeddings), {1: steps})}
    kept: dict[str, Any] = {"past": (flat, tuple({2: past} for _ in flat))}
    module: nn.Module = _Decoder(system.decoder)
    if system.pointer is not None:
        module = _PointingDecoder(system.decoder, system.pointer)
        new["words"] = (torch.zeros(1, 3, dtype=torch.int64), {1: steps})
        kept["past_words"] = (torch.zeros(1, 5, dtype=torch.int64), {1: past})
        kept["past_keys"] = (torch.zeros(1, 5, sizes.pointer), {1: past})
        names += ["words", "keys"]
    return _export(
        module,
        new | kept,
        ["logits", *(f"present_{name}" for name in names)],
        input_names=[*new, *(f"past_{name}" for name in names)],
    )


def _export(
    module: nn.Module,
    inputs: Mapping[str, tuple[Any, Any]],
    outputs: list[str],
    input_names: list[str] | None = None,
) -> onnx.ModelProto:
    """One graph; `inputs` gives each argument an example value and its dynamic axes, in order."""
    with warnings.catch_warnings(), _quiet("torch.onnx._internal.exporter._registration"):
        # torch.export's own use of a deprecated class, and its remark that an axis shared by inputs has one name.
        warnings.filterwarnings("ignore", "`isinstance\\(treespec, LeafSpec\\)`", FutureWarning)
        warnings.filterwarnings("ignore", "# The axis name", UserWarning)
        program = torch.onnx.export(
            module.eval(),
            tuple(example for example, _ in inputs.values()),
            dynamic_shapes=tuple(axes for _, axes in inputs.values()),
            input_names=input_names or list(inputs),
            output_names=outputs,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _forget(model)
    return model


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Without a logger's warnings: this one says that torchvision, which nothing here uses, is absent."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _forget(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes: stack traces with paths of this machine, and shapes nobody reads."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    for item in (*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output):
        del item.metadata_props[:]
        item.doc_string = ""
    for function in model.functions:
        del function.metadata_props[:]
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""
