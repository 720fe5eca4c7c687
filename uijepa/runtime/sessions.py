"""The four graphs of a bundle as ONNX Runtime sessions, with numpy in and out."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from uijepa.errors import BundleError
from uijepa.grid import TUBELET_VALUES
from uijepa.runtime.bundle import Bundle

Floats: TypeAlias = NDArray[np.float32]
Ids: TypeAlias = NDArray[np.int64]
Cache: TypeAlias = list[Any]
"""Keys and values of every layer, [key_0, value_0, key_1, …], each [1, heads, past, head values]; with a pointer, the
words [1, past] and their keys [1, past, pointer] too."""

NO_WORD = -1
"""Stands in `words` where an embedding is of the video."""


class Graphs:
    """Sessions over a verified bundle. Shapes: N video tokens, S new positions, P past ones, V ids.

    ONNX Runtime lets several threads run a session at once; they then share its `threads` threads.
    Raises BundleError when a graph cannot be loaded or its inputs are not the ones a bundle's graph has.
    """

    def __init__(self, bundle: Bundle, *, threads: int) -> None:
        self.shapes = bundle.manifest.shapes
        self._encoder = _session(bundle, "encoder.onnx", threads)
        self._projector = _session(bundle, "projector.onnx", threads)
        self._embed = _session(bundle, "embed.onnx", threads)
        # The cache grows by one position a step, so an arena would keep a buffer of every length it had.
        self._decoder = _session(bundle, "decoder.onnx", threads, arena=False)
        kept = [f"{kind}_{i}" for i in range(self.shapes.layers) for kind in ("key", "value")]
        kept += ["words", "keys"] if self.shapes.pointer else []
        new = ["embeddings", "words"] if self.shapes.pointer else ["embeddings"]
        self._past = [f"past_{name}" for name in kept]
        self._outputs = ["logits", *(f"present_{name}" for name in kept)]
        _check(bundle, "encoder.onnx", self._encoder, ["values", "positions"], ["features"])
        _check(bundle, "projector.onnx", self._projector, ["features"], ["embeddings"])
        _check(bundle, "embed.onnx", self._embed, ["ids"], ["embeddings"])
        _check(bundle, "decoder.onnx", self._decoder, [*new, *self._past], self._outputs)

    def encode(self, values: Floats, positions: NDArray[np.int64]) -> Floats:
        """Features [1, N, D] of normalised tubelets [1, N, 1536] at positions [1, N, 3] = (t, h, w)."""
        if values.shape[1] == 0:
            return np.zeros((1, 0, self.shapes.features), np.float32)
        if values.shape[2] != TUBELET_VALUES:
            raise ValueError(f"a tubelet has {TUBELET_VALUES} values, got {values.shape[2]}")
        return _floats(self._encoder.run(["features"], {"values": values, "positions": positions})[0])

    def project(self, features: Floats) -> Floats:
        """Embeddings [1, N, H] of features [1, N, D]."""
        if features.shape[1] == 0:
            return np.zeros((1, 0, self.shapes.embeddings), np.float32)
        return _floats(self._projector.run(["embeddings"], {"features": features})[0])

    def embed(self, ids: list[int]) -> Floats:
        """Embeddings [1, S, H] of token ids. Each depends on the id before it, the first on itself alone."""
        return _floats(self._embed.run(["embeddings"], {"ids": np.asarray([ids], np.int64)})[0])

    def empty(self) -> Cache:
        """The cache before anything was read."""
        shape = (1, self.shapes.kv_heads, 0, self.shapes.head_values)
        nothing = [np.zeros(shape, np.float32)] * (2 * self.shapes.layers)
        if self.shapes.pointer:
            nothing += [np.zeros((1, 0), np.int64), np.zeros((1, 0, self.shapes.pointer), np.float32)]
        return [ort.OrtValue.ortvalue_from_numpy(array) for array in nothing]

    def decode(self, embeddings: Floats, words: Ids, past: Cache) -> tuple[Floats, Cache]:
        """Reads embeddings [1, S, H] after `past`: logits [V] of what comes next, and the cache with them.

        words: [1, S] ids that the embeddings are of, NO_WORD where they are of the video.
        """
        # OrtValues, because the cache need not be copied to numpy and back between two steps.
        feeds = {"embeddings": ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(embeddings))}
        if self.shapes.pointer:
            feeds["words"] = ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(words))
        feeds.update(zip(self._past, past, strict=True))
        logits, *present = self._decoder.run_with_ort_values(self._outputs, feeds)
        return _floats(logits.numpy())[0, -1], present


def options(threads: int, *, arena: bool = True) -> Any:
    """Session options for a machine that other programs use too."""
    made = ort.SessionOptions()
    made.intra_op_num_threads = threads
    made.inter_op_num_threads = 1
    made.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    made.add_session_config_entry("session.intra_op.allow_spinning", "0")
    made.add_session_config_entry("session.inter_op.allow_spinning", "0")
    made.enable_cpu_mem_arena = arena
    made.enable_mem_pattern = arena
    made.log_severity_level = 3
    return made


def _session(bundle: Bundle, name: str, threads: int, *, arena: bool = True) -> Any:
    try:
        return ort.InferenceSession(
            bundle.contents[name], options(threads, arena=arena), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime raises a class of its own for every status
        raise BundleError(
            f"{bundle.folder / name}: ONNX Runtime {ort.__version__} cannot load it ({error}). "
            "Export it again, or install a newer onnxruntime."
        ) from error


def _check(bundle: Bundle, name: str, session: Any, inputs: list[str], outputs: list[str]) -> None:
    has = sorted(i.name for i in session.get_inputs()), sorted(o.name for o in session.get_outputs())
    if has != (sorted(inputs), sorted(outputs)):
        raise BundleError(
            f"{bundle.folder / name}: has inputs {has[0]} and outputs {has[1]}, "
            f"expected {sorted(inputs)} and {sorted(outputs)}. Export it again with: python -m export CHECKPOINT OUT"
        )


def _floats(array: Any) -> Floats:
    if array.dtype != np.float32:
        raise BundleError(f"a graph of the bundle gives {array.dtype} where float32 is expected. Export it again.")
    return np.asarray(array, dtype=np.float32)
