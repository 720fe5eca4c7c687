"""Where and in which precision training computes."""

from __future__ import annotations

import functools
import time
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from uijepa.errors import ConfigError

BF16_GAIN = 1.1
"""How many times faster bf16 must multiply matrices to be worth its rounding."""


def pick_device(name: str) -> torch.device:
    """The device of a configuration: "auto" takes CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r} is unknown; use auto, cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device 'cuda' is not available here; use device = 'auto' or 'cpu'.")
    return device


def computes_bf16(device: torch.device) -> bool:
    """Whether bf16 is the faster precision there.

    On a CPU that is measured, once, in some 50 ms: without bf16 instructions it is emulated, and with them it may
    still be slower than fp32 (on one Xeon 84 against 143 Gflop/s).
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return _cpu_gains_from_bf16()


@functools.cache
def _cpu_gains_from_bf16() -> bool:
    if not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return False
    exact = (torch.ones(4096, 256), torch.ones(256, 768))
    coarse = (exact[0].bfloat16(), exact[1].bfloat16())
    taken = {name: min(_seconds(*pair) for _ in range(5)) for name, pair in (("fp32", exact), ("bf16", coarse))}
    return taken["bf16"] * BF16_GAIN < taken["fp32"]


def _seconds(a: Tensor, b: Tensor) -> float:
    began = time.perf_counter()
    torch.mm(a, b)
    return time.perf_counter() - began


def in_bf16(device: torch.device, precision: str) -> bool:
    """Whether a configuration's `precision` means bf16 there."""
    return precision == "bf16" or (precision == "auto" and computes_bf16(device))


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The autocast context of a configuration's `precision`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=in_bf16(device, precision))
