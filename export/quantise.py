"""int8 weights for the wide products of a graph."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import onnx
from onnx import ModelProto


def quantised(model: ModelProto, *, keep_inputs: int = 0, keep_outputs: int = 0) -> ModelProto:
    """The graph with its MatMul weights in int8, per output channel; activations are quantised as they come.

    A product whose weight has `keep_inputs` rows or `keep_outputs` columns stays float32: the patch embedding and
    the language model's head cost most accuracy for the bytes they save.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "int8.onnx"
        logging.getLogger().addFilter(_unasked)
        try:
            quantize_dynamic(
                model,
                target,
                op_types_to_quantize=["MatMul"],
                per_channel=True,
                weight_type=QuantType.QInt8,
                # 7 bits: processors without VNNI add products in 16 bits, where those of 8 overflow.
                reduce_range=True,
                nodes_to_exclude=_excluded(model, keep_inputs, keep_outputs),
            )
        finally:
            logging.getLogger().removeFilter(_unasked)
        return onnx.load(target)


def _excluded(model: ModelProto, keep_inputs: int, keep_outputs: int) -> list[str]:
    weights = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    excluded = []
    for node in model.graph.node:
        shape = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if shape is not None and len(shape) == 2 and (shape[0] == keep_inputs or shape[1] == keep_outputs):
            excluded.append(node.name)
    return excluded


def _unasked(record: logging.LogRecord) -> bool:
    """Not the advice to pre-process, which the exporter's own optimisation makes idle."""
    return "pre-processing" not in record.getMessage()
