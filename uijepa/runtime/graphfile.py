"""Does an ONNX file reach for other files? Read from its bytes, without the onnx package.

A tensor of an ONNX graph may name a file to take its values from. ONNX Runtime would open it, so a bundle that
somebody else made could read any file of the machine into a model. A bundle's graphs hold all their weights.
"""

from __future__ import annotations

from collections.abc import Iterator

# Message -> field number -> message of that field, for every way from a model to a tensor (onnx.proto3).
_FIELDS: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def has_external_data(model: bytes) -> bool:
    """Whether any tensor of a serialised ModelProto keeps its values in another file.

    Raises ValueError when the bytes are not a serialised message.
    """
    waiting: list[tuple[str, memoryview]] = [("Model", memoryview(model))]
    while waiting:
        kind, message = waiting.pop()
        for field, value in _fields(message):
            if kind == "Tensor" and field in (_EXTERNAL_DATA, _DATA_LOCATION) and value != 0:
                return True
            inner = _FIELDS[kind].get(field)
            if inner is not None:
                if not isinstance(value, memoryview):
                    raise ValueError("not an ONNX model")
                waiting.append((inner, value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers and values of one message; fixed-width values are given as 0, nobody here reads them."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        field, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield field, value
        elif wire == _BYTES:
            size, at = _varint(message, at)
            if at + size > end:
                raise ValueError("not an ONNX model: it is cut short")
            yield field, message[at : at + size]
            at += size
        elif wire in (_FIXED64, _FIXED32):
            at += 8 if wire == _FIXED64 else 4
            yield field, 0
        else:
            raise ValueError("not an ONNX model")
    if at != end:
        raise ValueError("not an ONNX model: it is cut short")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("not an ONNX model: it is cut short")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
