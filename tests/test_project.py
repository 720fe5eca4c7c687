"""The rules of the project's shape: what may import what, what is installed, what never loads torch."""

from __future__ import annotations

import ast
import itertools
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Lower layers first; a module imports its own layer and lower ones only.
LAYERS = (
    {"uijepa", "uijepa.grid", "uijepa.config", "uijepa.errors", "uijepa.client"},
    {"uijepa.video"},
    {"uijepa.data"},
    {"uijepa.record", "uijepa.models", "uijepa.sequence", "uijepa.checkpoint"},
    {"uijepa.jepa"},
    {"uijepa.training"},
    {"uijepa.runtime"},
    {"uijepa.bench"},
    {"uijepa.train", "uijepa.cli"},
    {"export", "service"},
)
# The device carries little: these reach nothing else of the project.
ON_DEVICE = {
    "uijepa.sequence": {"uijepa", "uijepa.config", "uijepa.errors"},
    "uijepa.video": {"uijepa", "uijepa.grid", "uijepa.config", "uijepa.errors"},
    "uijepa.runtime": {
        *("uijepa", "uijepa.grid", "uijepa.config", "uijepa.errors"),
        *("uijepa.video", "uijepa.sequence"),
    },
    "service": {
        *("uijepa", "uijepa.grid", "uijepa.config", "uijepa.errors"),
        *("uijepa.video", "uijepa.runtime"),
    },
}
HEAVY = {"torch", "transformers", "peft"}


def modules() -> dict[str, Path]:
    """Every module of the three packages, by its dotted name."""
    found = {}
    for package in ("uijepa", "service", "export"):
        for path in (ROOT / package).rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def unit(name: str) -> str:
    """The part of the project that a module belongs to: `uijepa.video` for `uijepa.video.probe`."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "uijepa" else parts[0]


def imports(name: str, path: Path, known: set[str]) -> set[str]:
    """The project's modules, and top-level names of other packages, that a module imports anywhere in its code."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            # `from uijepa import video` names a module, `from uijepa.grid import Grid` does not.
            submodules = {f"{base}.{alias.name}" for alias in node.names} & known
            found |= submodules or {base}
    return {item if item.split(".")[0] in ("uijepa", "service", "export") else item.split(".")[0] for item in found}


MODULES = modules()


def test_every_part_has_a_layer() -> None:
    placed = set().union(*LAYERS)
    assert {unit(name) for name in MODULES} - {"uijepa.bundles"} <= placed


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_down(name: str) -> None:
    rank = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    mine = unit(name)
    for imported in imports(name, MODULES[name], set(MODULES)):
        other = unit(imported)
        if other in rank and other != mine:
            assert rank[other] <= rank[mine], f"{name} imports {imported}, which lies above it"
            if mine in ("service", "export"):
                assert other not in ("service", "export"), f"{name} imports {imported}"


@pytest.mark.parametrize("part", sorted(ON_DEVICE))
def test_the_device_reaches_little(part: str) -> None:
    for name, path in MODULES.items():
        if unit(name) == part:
            found = imports(name, path, set(MODULES))
            reached = {unit(item) for item in found if item.split(".")[0] in ("uijepa", "service", "export")}
            assert reached - {part} <= ON_DEVICE[part], name
            assert not found & HEAVY, name


def test_runtime_and_service_never_load_torch() -> None:
    code = (
        "import sys, uijepa.runtime, uijepa.video, uijepa.video.text, service.app, service.__main__\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    assert _python(code) == "[]"


def test_nothing_happens_at_import() -> None:
    """No output, no thread, no child, no file opened for writing when the packages are imported."""
    code = (
        "import sys, threading\n"
        "seen = []\n"
        "def hook(event, args):\n"
        "    if event in ('subprocess.Popen', 'os.fork', 'socket.connect'): seen.append(event)\n"
        "sys.addaudithook(hook)\n"
        "import uijepa.video, uijepa.config, uijepa.errors, service.settings, service.app\n"
        "print(seen, threading.active_count())"
    )
    assert _python(code) == "[] 1"


def test_datasets_shadows_nothing() -> None:
    tracked = _tracked()
    assert not [name for name in tracked if name.startswith("datasets/") and name.endswith((".py", ".pyi", ".so"))]
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "datasets" in config["tool"]["ruff"]["lint"]["isort"]["known-third-party"]


def test_no_module_is_named_like_a_library() -> None:
    libraries = {"onnx", "torch", "av", "decord", "tokenizers", "fastapi", "uvicorn", "numpy", "datasets", "jpeg"}
    scripts = (*ROOT.glob("*.py"), *ROOT.glob("service/*.py"), *ROOT.glob("export/*.py"))
    assert not {path.stem for path in scripts} & libraries


def test_files_stay_readable() -> None:
    long = {}
    for name in _tracked():
        if name.endswith((".py", ".js", ".css")):
            lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
            if lines > (500 if name.startswith("tests/") else 400):
                long[name] = lines
    assert not long


def test_ci_runs_what_people_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = [line for line in script.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert commands[0] == "set -euo pipefail"
    assert commands[-1] == "make test"


def test_what_is_installed_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if line and line[0] != "#"}
    assert all("==" in line for line in lines if line and line[0] != "#")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    for requirement in asked:
        name = requirement.split(";")[0].split("[")[0].split(">")[0].split("=")[0].split("<")[0].strip().lower()
        assert name.replace("_", "-") in pinned, requirement


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in the wheel that a checkout builds."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in _tracked():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    # What `npm ci` puts beside the recorder's sources belongs to no wheel.
    stray = copy / "uijepa/record/web/node_modules/stray/index.js"
    stray.parent.mkdir(parents=True)
    stray.touch()
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def test_the_wheel_installs_uijepa_only(wheel: list[str]) -> None:
    top = {name.split("/")[0] for name in wheel}
    assert {name for name in top if not name.endswith(".dist-info")} == {"uijepa"}
    assert not [name for name in wheel if "node_modules" in name or name.endswith((".pyc", ".ts"))]


def test_the_wheel_holds_all_of_uijepa(wheel: list[str]) -> None:
    code = {name for name in _tracked() if name.startswith("uijepa/") and name.endswith(".py")}
    assert code <= set(wheel)
    assert "uijepa/py.typed" in wheel
    bundle = {name for name in _tracked() if name.startswith("uijepa/bundles/default/")}
    assert bundle <= set(wheel)
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def _tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).exists()]


def _python(code: str) -> str:
    """What a fresh interpreter prints; it must end well and say nothing on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()
