"""A bundle is believed only after every byte of it was checked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from uijepa.errors import BundleError
from uijepa.runtime import Bundle, Engine, Manifest
from uijepa.runtime.graphfile import has_external_data


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def edit(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = bundle / "manifest.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def relist(bundle: Path, name: str) -> None:
    """Make the manifest say what the file now is, as whoever wrote both would."""
    content = (bundle / name).read_bytes()
    listed = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    edit(bundle, lambda values: values["files"].update({name: listed}))


def refused(bundle: Path, *words: str) -> None:
    with pytest.raises(BundleError) as caught:
        Bundle.open(bundle)
    for word in words:
        assert word in str(caught.value)


def test_a_whole_bundle_opens(bundle: Path) -> None:
    opened = Bundle.open(bundle)
    assert opened.manifest.name == "tiny"
    assert opened.contents["encoder.onnx"] == (bundle / "encoder.onnx").read_bytes()
    assert json.loads(opened.manifest.as_json()) == json.loads((bundle / "manifest.json").read_text())


@pytest.mark.parametrize("name", ["encoder.onnx", "projector.onnx", "embed.onnx", "decoder.onnx", "tokenizer.json"])
def test_a_changed_byte_is_refused(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    refused(bundle, name, "SHA-256", "Fetch the bundle again")


@pytest.mark.parametrize("size", [0, 1000, -1])
def test_another_size_is_refused(bundle: Path, size: int) -> None:
    content = (bundle / "decoder.onnx").read_bytes()
    (bundle / "decoder.onnx").write_bytes(content[:size] if size >= 0 else content + b"\0")
    refused(bundle, "decoder.onnx", "bytes")


def test_a_missing_file_is_named(bundle: Path) -> None:
    (bundle / "embed.onnx").unlink()
    refused(bundle, "embed.onnx", "cannot be read")


def test_an_unlisted_graph_is_refused(bundle: Path) -> None:
    edit(bundle, lambda values: values["files"].pop("decoder.onnx"))
    refused(bundle, "manifest.json", "lists no decoder.onnx")


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_is_refused(bundle: Path, schema: object) -> None:
    edit(bundle, lambda values: values.update(schema=schema))
    refused(bundle, "manifest.json", "schema", "export it again")


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.update(surprise=1),
        lambda values: values["preprocess"].update(crop=224),
        lambda values: values["sequence"].pop("eos"),
        lambda values: values["shapes"].update(layers="two"),
        lambda values: values.update(files=[]),
        lambda values: values["files"].update({"decoder.onnx": 3}),
        lambda values: values.update(name=3),
        lambda values: values.pop("preprocess"),
    ],
)
def test_a_manifest_with_a_wrong_key_is_refused(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    edit(bundle, change)
    refused(bundle, "manifest.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_manifest_that_is_none_is_refused(bundle: Path, text: str) -> None:
    (bundle / "manifest.json").write_text(text)
    refused(bundle, "manifest.json", "python -m export")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "sub/file", "..", "", "a\\b"])
def test_a_path_out_of_the_folder_is_refused(bundle: Path, name: str) -> None:
    (bundle.parent / "outside").write_bytes(b"secret")
    listed = {"sha256": hashlib.sha256(b"secret").hexdigest(), "size": 6}
    edit(bundle, lambda values: values["files"].update({name: listed}))
    refused(bundle, "not a file of this folder")


def test_a_link_is_refused(bundle: Path) -> None:
    (bundle / "encoder.onnx").rename(bundle.parent / "encoder.onnx")
    (bundle / "encoder.onnx").symlink_to(bundle.parent / "encoder.onnx")
    refused(bundle, "encoder.onnx", "link")


def test_a_pipe_is_refused_without_waiting(bundle: Path) -> None:
    (bundle / "encoder.onnx").unlink()
    os.mkfifo(bundle / "encoder.onnx")
    refused(bundle, "encoder.onnx", "not a regular file")


def test_no_folder_is_a_typed_error(tmp_path: Path) -> None:
    refused(tmp_path / "absent", "no such bundle")
    refused(tmp_path, "manifest.json")


def test_external_data_is_refused(bundle: Path) -> None:
    model = onnx.load(bundle / "decoder.onnx")
    onnx.save(model, bundle / "decoder.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    relist(bundle, "decoder.onnx")
    refused(bundle, "decoder.onnx", "outside the file")


def external(place: str) -> bytes:
    """A model with one external tensor, at each of the places where ONNX allows one."""
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "secret")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    constant = helper.make_node("Constant", [], ["y"], value=tensor)
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    if place == "initializer":
        graph = helper.make_graph([helper.make_node("Identity", ["secret"], ["y"])], "g", [], [output], [tensor])
    elif place == "attribute":
        graph = helper.make_graph([constant], "g", [], [output])
    elif place == "branch":
        branch = helper.make_graph([constant], "b", [], [output])
        test = helper.make_tensor_value_info("t", TensorProto.BOOL, [])
        choice = helper.make_node("If", ["t"], ["y"], then_branch=branch, else_branch=branch)
        graph = helper.make_graph([choice], "g", [test], [output])
    else:
        graph = helper.make_graph([helper.make_node("F", [], ["y"], domain="own")], "g", [], [output])
    model = helper.make_model(graph)
    if place == "function":
        model.functions.append(helper.make_function("own", "F", [], ["y"], [constant], [helper.make_opsetid("", 18)]))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("place", ["initializer", "attribute", "branch", "function"])
def test_external_data_is_found_wherever_it_hides(place: str, tiny_bundle: Path) -> None:
    assert has_external_data(external(place))
    assert not has_external_data((tiny_bundle / "encoder.onnx").read_bytes())


@pytest.mark.parametrize("content", [b"\x3a\xff\xff\xff\x0f", b"\xff" * 20, b"\x07", b"\x38\x01", b"\x3a\x02\x09"])
def test_bytes_that_are_no_model_are_refused(bundle: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        has_external_data(content)
    (bundle / "encoder.onnx").write_bytes(content)
    relist(bundle, "encoder.onnx")
    refused(bundle, "encoder.onnx")


def test_a_graph_of_another_model_is_refused(bundle: Path) -> None:
    shutil.copy(bundle / "projector.onnx", bundle / "encoder.onnx")
    relist(bundle, "encoder.onnx")
    with pytest.raises(BundleError, match=r"encoder\.onnx: has inputs"):
        Engine.load(bundle, threads=1)


def test_special_tokens_that_disagree_are_refused(bundle: Path) -> None:
    edit(bundle, lambda values: values["sequence"].update(eos=1, sep=2))
    with pytest.raises(BundleError, match=r"tokenizer\.json: its special tokens"):
        Engine.load(bundle, threads=1)


def test_the_manifest_reads_back(tiny_bundle: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(tiny_bundle / "manifest.json")
    (tmp_path / "manifest.json").write_text(manifest.as_json())
    assert Manifest.read(tmp_path / "manifest.json") == manifest
