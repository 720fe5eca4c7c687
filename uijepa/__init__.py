"""uijepa: what did the user want? Said by a video JEPA encoder and a small language model, on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uijepa.client import Client as Client

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # On demand, so that what needs no service imports nothing for one.
    if name == "Client":
        from uijepa.client import Client

        return Client
    raise AttributeError(f"module 'uijepa' has no attribute {name!r}")
