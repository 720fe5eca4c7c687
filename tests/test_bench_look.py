"""Pictures of features and of runs: what is in them, pixel by pixel where it matters."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from uijepa.bench import curves, drawing, look
from uijepa.bench.__main__ import app
from uijepa.config import Preprocess
from uijepa.errors import ConfigError
from uijepa.grid import Grid
from uijepa.models.encoder import Encoder, EncoderConfig

GRID = Grid(3, 2, 2)


def seen(features: np.ndarray, positions: list[tuple[int, int, int]]) -> look.Seen:
    frames = np.full((3, 40, 40, 3), 90, np.uint8)
    return look.Seen(
        frames=frames,
        times_s=np.array([0.5, 1.0, 2.0]),
        grid=GRID,
        positions=np.array(positions),
        features=features,
    )


def test_components_are_the_directions_of_most_variance() -> None:
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.normal(size=(10, 10)))
    scores = rng.normal(size=(300, 10)) * np.array([9, 5, 3, *[0.01] * 7])
    colours, share = look.components(scores @ axes.T)
    assert share > 0.999
    assert colours.min() == 0
    assert colours.max() == 1
    for number in range(3):
        assert abs(np.corrcoef(colours[:, number], scores[:, number])[0, 1]) > 0.95
    again, _ = look.components(-(scores @ axes.T))
    # Signs are fixed by the axes alone, so turning the features round turns the colours.
    assert np.allclose(again, 1 - colours, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_or_equal_features_have_colours_too(count: int) -> None:
    colours, share = look.components(np.ones((count, 8)))
    assert colours.tolist() == [[0.5] * 3] * count
    assert share == 0


def test_the_timeline_passes_over_moments_without_tokens() -> None:
    features = np.array([[1.0, 0], [1, 0], [0, 2]])
    first, before = look.timeline(seen(features, [(0, 0, 0), (0, 1, 1), (2, 0, 0)]))
    assert np.allclose(first, [1, np.nan, 0], equal_nan=True)
    assert np.allclose(before, [np.nan, np.nan, 0], equal_nan=True)
    both = look.timeline(seen(np.array([[1.0, 0], [1, 1], [0, 1]]), [(0, 0, 0), (1, 0, 0), (2, 0, 0)]))
    assert np.allclose(both[0], [1, 0.5**0.5, 0])
    assert np.allclose(both[1], [np.nan, 0.5**0.5, 0.5**0.5], equal_nan=True)


def test_kept_tubelets_are_coloured_and_the_others_are_pale() -> None:
    frame = Image.new("RGB", (40, 40), (10, 200, 30))
    made = np.asarray(look.paint(frame, GRID, np.array([[0, 0, 1]]), np.array([[1.0, 0.0, 0.2]])))
    assert made[5, 30].tolist() == [255, 0, 51]
    assert (made[:20, 20:] == (255, 0, 51)).all()
    rest = made[25, 5]
    assert len(set(rest.tolist())) <= 3
    assert rest.min() > 180


def test_look_from_the_command_line(sample_clip: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "look.png"
    options = ["look", str(sample_clip), "--encoder", str(tiny_checkpoint), "--out", str(out)]
    done = CliRunner().invoke(app, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with Image.open(out) as picture:
        assert picture.format == "PNG"
        assert picture.width == look.WIDTH
        pixels = np.asarray(picture.convert("RGB"))
    assert (pixels == drawing.COLOURS[0]).all(-1).any()
    assert (pixels == drawing.COLOURS[1]).all(-1).any()
    first = out.read_bytes()
    CliRunner().invoke(app, options)
    assert out.read_bytes() == first
    missing = CliRunner().invoke(app, [*options[:1], str(tmp_path / "no.mp4"), *options[2:]])
    assert missing.exit_code == 2


def test_a_look_holds_the_tokens_of_the_clip(sample_clip: Path) -> None:
    spec = Preprocess(frames=4, patches=24, max_tokens=40)
    made = look.see(sample_clip, Encoder(EncoderConfig(width=24, depth=1, heads=2)), spec)
    assert made.frames.shape == (made.grid.t, 240, 160, 3)
    assert made.features.shape == (len(made.positions), 24)
    assert (made.positions < [made.grid.t, made.grid.h, made.grid.w]).all()
    assert (np.diff(made.times_s) > 0).all()
    wide = replace(made, frames=made.frames.transpose(0, 2, 1, 3))
    assert look.draw(wide, "wide").width == look.draw(made, "tall").width


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 8))
def test_ticks_are_few_and_within(low: float, width: float, most: int) -> None:
    found = drawing.ticks(low, low + width, most)
    assert 1 <= len(found) <= most
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in found)


def log(folder: Path, lines: list[object]) -> Path:
    (folder / "pretrain").mkdir(parents=True)
    text = "\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines)
    (folder / curves.LOG).write_text(text)
    return folder


def test_curves_of_runs(tmp_path: Path) -> None:
    health = dict.fromkeys(curves.PANELS, 0.4) | {"probe_knn": 44.0}
    del health["loss"]
    first = log(tmp_path / "a", [{"step": 10, "loss": 0.9}, {"step": 20, "loss": 0.5}, {"step": 20, **health}])
    # Resumed: step 20 is written twice, and the last line was cut short.
    second = log(tmp_path / "b", [{"step": 20, "loss": 9}, {"step": 20, "loss": 0.4}, '{"step": 30, "lo'])
    runs = [curves.read(first), curves.read(second)]
    assert runs[0].numbers["loss"] == [(10, 0.9), (20, 0.5)]
    assert runs[1].numbers == {"loss": [(20, 0.4)]}
    assert list(curves.panels(runs)) == [*curves.PANELS, "probe_knn"]
    out = tmp_path / "curves.png"
    done = CliRunner().invoke(app, ["curves", str(first), str(second), "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with Image.open(out) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    for colour in drawing.COLOURS[:2]:
        assert (pixels == colour).all(-1).any()
    assert curves.read(first / curves.LOG).name == "a"


def test_runs_without_a_log_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"log\.jsonl: cannot be read"):
        curves.read(tmp_path)
    with pytest.raises(ConfigError, match="holds no number"):
        curves.read(log(tmp_path / "empty", ["{", "3", '{"step": 1}']))
    with pytest.raises(ConfigError, match="no run has logged"):
        curves.draw([curves.read(log(tmp_path / "other", [{"step": 1, "lr": 0.1}]))])
