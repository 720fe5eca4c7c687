"""Every error this project raises on purpose.

Each carries a stable `code` (a slug that callers may match on), what happened, and what to do about it.
Nothing here imports anything, so the whole project may raise these.
"""

from __future__ import annotations

from pathlib import Path


class UijepaError(Exception):
    """Base of all errors that a user can do something about."""

    code = "error"


class ConfigError(UijepaError):
    """A configuration key or value is wrong."""

    code = "config"


class ManifestError(UijepaError):
    """A manifest, or a line of it, cannot be read."""

    code = "manifest"


class CheckpointError(UijepaError):
    """A training checkpoint is missing, damaged, or of another shape."""

    code = "checkpoint"


class BundleError(UijepaError):
    """An exported bundle is missing, damaged, or of another schema."""

    code = "bundle"


class RecordingError(UijepaError):
    """A recording job cannot go on."""

    code = "recording"


class MissingExtra(UijepaError):
    """An optional dependency is not installed."""

    code = "missing-extra"

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}. Install it with: pip install 'uijepa[{extra}]'")


class ClipError(UijepaError):
    """One clip cannot be used. Says which, why, and what would help."""

    code = "clip"
    remedy = "Use another recording."

    def __init__(self, path: Path | str, reason: str, remedy: str | None = None) -> None:
        self.path = Path(path)
        self.reason = reason
        if remedy is not None:
            self.remedy = remedy
        super().__init__(f"{self.path.name}: {reason} {self.remedy}")

    def __reduce__(self) -> tuple[type[ClipError], tuple[Path, str, str]]:
        # The decoding child sends these to its parent: pickle must call __init__ with all three.
        return type(self), (self.path, self.reason, self.remedy)


class ClipNotFound(ClipError):
    code = "clip-not-found"
    remedy = "Check the path."


class NotAVideo(ClipError):
    code = "not-a-video"
    remedy = "Send an mp4, mov, webm, mkv or gif recording."


class ClipTooLarge(ClipError):
    code = "clip-too-large"
    remedy = "Send a smaller or lower-resolution recording."


class ClipTooLong(ClipError):
    code = "clip-too-long"
    remedy = "Cut the recording to the part that matters."


class Undecodable(ClipError):
    code = "undecodable"
    remedy = "Export the recording again, for example as H.264 in mp4."


class DecodeTimeout(ClipError):
    code = "decode-timeout"
    remedy = "Send a shorter or lower-resolution recording."
