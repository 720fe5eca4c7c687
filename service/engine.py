"""The predictor that the service runs with: the engine of a bundle, its clips opened by a sandboxed child."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from service.settings import Settings
from uijepa.runtime import Answer, Engine, Watch
from uijepa.runtime.progress import ignore
from uijepa.video.sandbox import Sandbox


class EnginePredictor:
    """An engine together with the sandbox it decodes in."""

    def __init__(self, engine: Engine, sandbox: Sandbox, settings: Settings) -> None:
        self._engine, self._sandbox, self._limits = engine, sandbox, settings.limits
        self.model = f"{engine.manifest.name} {engine.manifest.version}"

    @property
    def sandbox(self) -> Mapping[str, bool]:
        return self._sandbox.achieved

    @property
    def decoders(self) -> tuple[int, int]:
        return self._sandbox.children

    def predict(self, path: Path, watch: Watch = ignore) -> Answer:
        return self._engine.predict(path, limits=self._limits, watch=watch)

    def close(self) -> None:
        self._sandbox.close()


def load(settings: Settings) -> EnginePredictor:
    """Raises UijepaError when the bundle cannot be used, no sandbox can be started, or a required one is partial."""
    sandbox = Sandbox(settings.decoders)
    try:
        if settings.require_sandbox:
            sandbox.require()
        engine = Engine.load(settings.bundle, threads=settings.threads, sandbox=sandbox)
    except BaseException:
        sandbox.close()
        raise
    return EnginePredictor(engine, sandbox, settings)
