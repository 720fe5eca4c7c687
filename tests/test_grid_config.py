"""Grid and configuration: shapes fit the frame, wrong keys are errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uijepa.config import Preprocess, build, load, plain
from uijepa.errors import ConfigError
from uijepa.grid import Grid
from uijepa.training.config import TrainConfig

RECIPES = Path(__file__).parents[1] / "datasets" / "recipes"


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 20), st.integers(1, 400))
def test_a_fitted_grid_is_within_its_budget(width: int, height: int, half: int, patches: int) -> None:
    grid = Grid.fit(width, height, 2 * half, patches)
    assert grid.h * grid.w <= patches
    assert grid.t == half
    assert grid.frames == 2 * half


@pytest.mark.parametrize("size", [(390, 844), (844, 390), (320, 320), (1280, 720), (590, 1237)])
def test_a_fitted_grid_keeps_the_aspect_ratio(size: tuple[int, int]) -> None:
    grid = Grid.fit(*size, 16, 196)
    assert grid.w / grid.h == pytest.approx(size[0] / size[1], rel=0.08)
    assert grid.h * grid.w > 0.85 * 196


def test_a_grid_without_tubelets_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one tubelet"):
        Grid(8, 0, 3)
    with pytest.raises(ValueError, match="multiple of 2"):
        Grid.fit(10, 10, 3, 10)


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 0.5
    kind: Literal["a", "b"] = "a"
    sizes: tuple[int, ...] = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = "x"
    inner: Inner = field(default_factory=Inner)


def test_toml_and_overrides_make_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('name = "y"\n[inner]\nrate = 1\nsizes = [4]\n')
    assert load(Outer, path, ["inner.kind=b", "inner.rate=0.25"]) == Outer(
        name="y", inner=Inner(rate=0.25, kind="b", sizes=(4,))
    )


@pytest.mark.parametrize("name", sorted(path.name for path in RECIPES.glob("*.toml")))
def test_recipes_that_ship_hold_known_keys(name: str) -> None:
    assert load(TrainConfig, RECIPES / name) != TrainConfig()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("inner.rat=1", "unknown key 'rat'"),
        ("inner.kind=c", "'c' is none of"),
        ("inner.rate=fast", "expected float, got 'fast'"),
        ("inner=3", "expected a table"),
        ("name", "expected key=value"),
        ("name.first=3", "expected str"),
        ("inner.sizes=3", "expected a list"),
    ],
)
def test_a_wrong_key_or_value_is_named(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(Outer, None, [override])


def test_a_training_configuration_survives_json() -> None:
    config = load(TrainConfig, None, ["encoder.width=96", "pretrain.masks.kinds=['short']"])
    assert build(TrainConfig, plain(config)) == config


def test_preprocessing_refuses_an_odd_number_of_frames() -> None:
    with pytest.raises(ConfigError, match="even"):
        Preprocess(frames=15)
