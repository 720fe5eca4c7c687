"""The exporter: graphs that say what the network says, in a bundle that is all there or not at all."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from typer.testing import CliRunner

from export import package
from export.__main__ import app
from export.graphs import graphs, shapes
from export.parity import Parity, ParityError, measure
from export.quantise import quantised
from uijepa.errors import BundleError, CheckpointError
from uijepa.grid import TUBELET_VALUES
from uijepa.models.system import System
from uijepa.runtime import Bundle, Manifest
from uijepa.runtime.bundle import GRAPHS
from uijepa.runtime.sessions import NO_WORD, Graphs


@pytest.fixture(scope="module")
def system(tiny_checkpoint: Path) -> System:
    return System.load(tiny_checkpoint)


@pytest.fixture(scope="module")
def sessions(tiny_bundle: Path) -> Graphs:
    return Graphs(Bundle.open(tiny_bundle), threads=1)


@pytest.fixture
def exported(tiny_bundle: Path) -> dict[str, onnx.ModelProto]:
    """The graphs of the tiny system: exporting them takes seconds."""
    return {name: onnx.load(tiny_bundle / name) for name in GRAPHS}


def test_the_graphs_say_what_the_network_says(system: System, sessions: Graphs) -> None:
    parity = measure(system, sessions, clips=4)
    assert parity.features < 1e-4
    assert parity.logits < 1e-3
    assert parity.agreement == 1
    assert parity.failures("fp32") == []


@pytest.mark.parametrize(
    "part",
    [
        *("encoder.embed.weight", "encoder.places.linear.weight", "projector.weight"),
        *("decoder.model.norm.weight", "pointer.query.weight", "pointer.gate.bias"),
    ],
)
def test_parity_sees_another_weight(tiny_checkpoint: Path, sessions: Graphs, part: str) -> None:
    other = System.load(tiny_checkpoint)
    other.get_parameter(part).data.mul_(1.05)
    assert measure(other, sessions, clips=2).failures("fp32") != []


def test_a_nan_is_a_failure() -> None:
    parity = Parity(features=float("nan"), cosine=1, logits=0, agreement=1, clips=1, steps=1)
    assert len(parity.failures("fp32")) == 1
    assert len(dataclasses.replace(parity, cosine=float("nan")).failures("int8")) == 1


def test_a_prompt_may_come_in_pieces(sessions: Graphs) -> None:
    prompt = np.random.default_rng(0).standard_normal((1, 9, sessions.shapes.embeddings), dtype=np.float32)
    words = np.array([[NO_WORD, NO_WORD, *range(3, 10)]], np.int64)
    whole, cache = sessions.decode(prompt, words, sessions.empty())
    for cuts in ([1, 2, 9], [8, 9], [4, 9]):
        pieces, start = sessions.empty(), 0
        for end in cuts:
            logits, pieces = sessions.decode(prompt[:, start:end], words[:, start:end], pieces)
            start = end
        np.testing.assert_allclose(logits, whole, atol=1e-4)
        np.testing.assert_allclose(pieces[-1].numpy(), cache[-1].numpy(), atol=1e-4)


def test_grouped_heads_an_untied_head_and_no_pointer(tiny_checkpoint: Path) -> None:
    system = System.load(tiny_checkpoint)
    system.pointer = None
    torch.manual_seed(1)
    system.decoder = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=290,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=1,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=12,
            tie_word_embeddings=False,
            pad_token_id=0,
            eos_token_id=2,
        )
    ).eval()
    contents = {name: model.SerializeToString() for name, model in graphs(system).items()}
    sizes = shapes(system)
    assert (sizes.layers, sizes.kv_heads, sizes.head_values) == (1, 2, 12)
    manifest = package._manifest(system, contents, "grouped", "fp32")
    opened = Graphs(Bundle(folder=Path(), manifest=manifest, contents=contents), threads=1)
    assert measure(system, opened, clips=2).failures("fp32") == []


def test_int8_keeps_patch_embedding_and_head_exact(tiny_bundle: Path) -> None:
    vocabulary = Manifest.read(tiny_bundle / "manifest.json").shapes.vocabulary
    for name, keep in (
        ("encoder.onnx", {"keep_inputs": TUBELET_VALUES}),
        ("decoder.onnx", {"keep_outputs": vocabulary}),
    ):
        exact = onnx.load(tiny_bundle / name)
        small = quantised(exact, **keep)
        assert small.ByteSize() < exact.ByteSize()
        floats = {tuple(t.dims) for t in small.graph.initializer if t.data_type == onnx.TensorProto.FLOAT}
        wide = {shape for shape in floats if len(shape) == 2 and min(shape) > 8}
        assert len(wide) == 1
        assert {*keep.values()} & {*wide.pop()}


def test_int8_bundle_answers_nearly_the_same(
    tiny_checkpoint: Path,
    tiny_bundle: Path,
    tmp_path: Path,
    exported: dict[str, onnx.ModelProto],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(package, "graphs", lambda _: exported)
    manifest, parity = package.export(tiny_checkpoint, tmp_path / "int8", int8=True)
    assert manifest.precision == "int8"
    assert 0.99 <= parity.cosine < 1 - 1e-7
    exact = Manifest.read(tiny_bundle / "manifest.json")
    assert manifest.files["decoder.onnx"].size < exact.files["decoder.onnx"].size
    assert Bundle.open(tmp_path / "int8").manifest == manifest


def test_the_bundle_is_whole_and_tells_nothing_of_this_machine(tiny_bundle: Path) -> None:
    names = {path.name for path in tiny_bundle.iterdir()}
    assert names == {*GRAPHS, "manifest.json", "tokenizer.json", "README.md"}
    here = re.escape(str(Path(package.__file__).parents[1])).encode()
    for path in tiny_bundle.iterdir():
        assert not re.search(here + rb"|site-packages", path.read_bytes()), path.name
        if path.suffix == ".onnx":
            onnx.checker.check_model(onnx.load(path), full_check=True)


def test_nothing_is_written_without_parity(
    tiny_checkpoint: Path, tmp_path: Path, exported: dict[str, onnx.ModelProto], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(system: System) -> dict[str, onnx.ModelProto]:
        system.projector.weight.data.mul_(1.05)
        return exported

    monkeypatch.setattr(package, "graphs", wrong)
    with pytest.raises(ParityError, match="logits differ"):
        package.export(tiny_checkpoint, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_not_overwritten(tiny_checkpoint: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="already there"):
        package.export(tiny_checkpoint, tiny_bundle)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match="Name another folder"):
        package.export(tiny_checkpoint, tmp_path, replaces=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_command_line(tiny_checkpoint: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(app, [str(tiny_checkpoint), str(tmp_path / "out"), "--name", "mine"])
    assert run.exit_code == 0
    assert "logits, largest difference" in run.stdout
    manifest = Bundle.open(tmp_path / "out").manifest
    assert manifest.name == "mine"
    # Exporting twice gives the same bytes.
    assert manifest.files == Manifest.read(tiny_bundle / "manifest.json").files

    run = CliRunner().invoke(app, [str(tmp_path / "nothing"), str(tmp_path / "other")])
    assert run.exit_code == 1
    assert "model.safetensors" in run.stderr
    assert not (tmp_path / "other").exists()


def test_a_damaged_checkpoint_is_named(tiny_checkpoint: Path, tmp_path: Path) -> None:
    for path in tiny_checkpoint.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[: 100 if path.suffix == ".safetensors" else None])
    with pytest.raises(CheckpointError, match=re.escape(str(tmp_path))):
        package.export(tmp_path, tmp_path / "out")
