"""Train uijepa on manifests of recordings: `python -m uijepa.train [pretrain | decoder | all | sizes]`."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import Progress
from tokenizers import Tokenizer

from uijepa import __version__, checkpoint
from uijepa.config import load, plain
from uijepa.data import layouts, manifest
from uijepa.data.cache import TokenCache, TokenSource, build, folder_of
from uijepa.data.manifest import Clip
from uijepa.data.shards import Shards, join
from uijepa.errors import ConfigError, UijepaError
from uijepa.models.convert import Converted, convert
from uijepa.models.decoder import merged, new_tokenizer
from uijepa.models.encoder import Encoder
from uijepa.models.system import System
from uijepa.sequence import screen_text
from uijepa.training import cost, speed
from uijepa.training.config import TrainConfig
from uijepa.training.device import in_bf16, pick_device
from uijepa.training.distributed import World, joined, leave
from uijepa.training.loop import Stage, run
from uijepa.training.pretrain import Collapsed, Pretraining
from uijepa.training.tune import Tuning

console = Console(stderr=True)
MEASURED_S = 3.0
"""Seconds that `sizes` spends on a measurement."""
CONFIG = "config.json"
"""In a run's folder: its whole configuration."""
DEFAULT_MANIFEST = Path("recordings/manifest.jsonl")


class What(StrEnum):
    """The stages to run."""

    pretrain = "pretrain"
    decoder = "decoder"
    all = "all"


class Command(StrEnum):
    """What the command line is asked for: stages, or what they would cost."""

    pretrain = "pretrain"
    decoder = "decoder"
    all = "all"
    sizes = "sizes"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A training run: its configuration, its data and its folder."""

    config: TrainConfig
    manifests: list[Path]
    clips: list[Clip]
    cache: TokenSource
    device: torch.device
    out: Path
    resume: bool
    start: System | None
    """The checkpoint to go on from, if any."""
    converted: Converted | None
    """The encoder of `config.encoder_from`, if any."""
    world: World
    """The processes that train together; the first one writes to `out`."""

    def pretrain(self) -> Encoder:
        """Stage 1: the chosen encoder, saved to `out/encoder`; on a collapse the best from before it."""
        torch.manual_seed(self.config.seed)
        encoder = self._first_encoder()
        stage = Pretraining(self.config, encoder, self.cache, self.clips, self.device, world=self.world)
        self._fits(cost.pretraining_memory(stage.objective, self.config, self.device, self.world.size), "pretrain")
        try:
            self._loop(stage)
        except Collapsed:
            if stage.best is not None and not stage.best.collapsed:
                self._keep(stage)
            raise
        return self._keep(stage)

    def _keep(self, stage: Pretraining) -> Encoder:
        encoder, step, numbers = stage.chosen()
        chosen = {
            "encoder_step": step,
            "health": numbers,
            "last": {"health": stage.numbers, "said": stage.verdict.words},
        }
        config = {"encoder": plain(self.config.encoder)}
        if self.world.first:
            checkpoint.save(self.out / "encoder", encoder.state_dict(), config, self._provenance() | chosen)
        console.print(f"encoder kept (step {step} of {stage.steps}): {self.out / 'encoder'}", markup=False)
        return encoder

    def tune(self, encoder: Encoder | None) -> Path:
        """Stage 2, saved to `out/system`; without an encoder, that of `out/encoder` or of the start."""
        torch.manual_seed(self.config.seed)
        if encoder is None:
            encoder = self._first_encoder()
            if (self.out / "encoder").is_dir():
                checkpoint.restore(encoder, checkpoint.load(self.out / "encoder"), self.out / "encoder")
            elif self.start is None and self.converted is None:
                console.print("[yellow]no pretrained encoder in --out and no --init: the encoder is random[/yellow]")
        if self.start is not None and self.start.config.decoder == self.config.decoder:
            system = self.start
            system.encoder.load_state_dict(encoder.state_dict())
        else:
            torch.manual_seed(self.config.seed)  # the decoder's weights must not depend on how the encoder came
            system = System.new(self.config.system, self._tokenizer(), encoder)
        stage = Tuning(self.config, system, self.cache, self.clips, self.device, world=self.world)
        self._fits(cost.tuning_memory(system, self.config, self.device, self.world.size), "tune")
        self._loop(stage)
        system, step = stage.chosen()
        system.decoder = merged(system.decoder)
        if self.world.first:
            system.requires_grad_(True).cpu().save(self.out / "system", self._provenance() | {"decoder_step": step})
        console.print(f"trained system (decoder step {step}): {self.out / 'system'}")
        return self.out / "system"

    def _first_encoder(self) -> Encoder:
        """The encoder before any training of this run."""
        if self.start is not None:
            return self.start.encoder
        return Encoder(self.config.encoder) if self.converted is None else self.converted.encoder

    def _fits(self, memory: cost.Memory, setting: str) -> None:
        console.print(f"{setting}: about {memory} of {self.device} memory on top of the program")
        cost.check(memory, self.device, setting)

    def _loop(self, stage: Stage) -> None:
        seconds = self.config.checkpoint_seconds
        run(
            stage,
            self.out / stage.name,
            resume=self.resume,
            checkpoint_seconds=seconds,
            console=console,
            world=self.world,
        )

    def _tokenizer(self) -> Tokenizer | None:
        if self.config.decoder.pretrained:
            return None  # it brings its own
        train = [c for c in self.clips if c.split == "train" and c.intent and c.path in self.cache]
        texts = [text for c in train for text in (c.intent, screen_text(self.cache[c.path].text))]
        return new_tokenizer(texts, self.config.decoder.vocabulary)

    def _provenance(self) -> dict[str, Any]:
        config, device = self.config, self.device
        origin = {} if self.converted is None else {"encoder_from": str(self.converted)}
        return origin | {
            "uijepa": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
            "bf16": config.precision == "bf16",
            "threads": torch.get_num_threads(),
            "processes": self.world.size,
            "manifest": " ".join(path.name for path in self.manifests),
            "clips": {split: sum(c.split == split for c in self.clips) for split in manifest.SPLITS},
            "hours_of_screen": round(sum(c.seconds for c in self.clips if c.split == "train") / 3600, 2),
            "sources": sorted({c.source for c in self.clips if c.split == "train"}),
            "finished": time.strftime("%Y-%m-%d", time.gmtime()),
            "config": plain(config),
        }


def train(
    manifests: Path | Sequence[Path],
    out: Path,
    config: TrainConfig,
    what: What = What.all,
    *,
    resume: bool = False,
    init: Path | None = None,
) -> Path:
    """Run the stages; returns the folder of what was trained, `out/system` or `out/encoder`.

    `manifests`: one, or several to train on together (`uijepa.data.shards`). `init`: a checkpoint to go on from, its
    weights and tokenizer instead of new ones; only its encoder where `config` takes the decoder pretrained from
    elsewhere. A folder that holds a run is only written to with `resume`, and only with the same configuration. Under
    torchrun every process calls this, and all train as one.
    """
    manifests = [manifests] if isinstance(manifests, Path) else list(manifests)
    converted = None
    if config.encoder_from:
        if init:
            raise ConfigError(f"encoder_from and --init {init} each bring an encoder: give one of them.")
        converted = convert(config.encoder_from, config.encoder)
        config = replace(config, encoder=converted.encoder.config)
    start = System.load(init) if init else None
    if start is not None:
        taken = replace(start.config, decoder=config.decoder) if config.decoder.pretrained else start.config
        if taken != config.system:
            raise ConfigError(f"{init} was trained as {taken}; the configuration asks for {config.system}.")
    device = pick_device(config.device)
    with joined(device) as world:
        console.quiet = not world.first
        config = _with_precision(config, out, device, resume=resume, world=world)
        console.print_json(json.dumps(plain(config)))
        if converted is not None:
            console.print(str(converted))
        clips, cache = _data(manifests, out, config, what, resume=resume, world=world)
        job = Run(
            config=config,
            manifests=manifests,
            clips=clips,
            cache=cache,
            device=device,
            out=out,
            resume=resume,
            start=start,
            converted=converted,
            world=world,
        )
        encoder = job.pretrain() if what is not What.decoder else None
        return out / "encoder" if what is What.pretrain else job.tune(encoder)


def _data(
    manifests: Sequence[Path], out: Path, config: TrainConfig, what: What, *, resume: bool, world: World
) -> tuple[list[Clip], Shards]:
    """The clips of all manifests and their tokens; the first process claims `out` and decodes, the others wait."""
    sets = [layouts.read(path) for path in manifests]
    data = join(sets)
    read_text = what is not What.pretrain and config.decoder.text_tokens > 0
    if world.first:
        _claim(out, config, resume)
        for message in data.left_out:
            console.print(f"left out: {message}")
        wanted = {clip.path: clip for clip in data.clips if clip.split in ("train", "val")}
        for recordings in sets:
            used = [c for c in recordings.clips if str(recordings.file(c)) in wanted]
            with Progress(console=console) as progress:
                cache = build(recordings.root, used, config.preprocess, read_text=read_text, progress=progress)
            for clip in used:
                if clip.path in cache.errors:
                    console.print(f"left out: {cache.errors[clip.path]}")
    world.wait()
    caches = {s.root: TokenCache(folder_of(s.root, config.preprocess)) for s in sets}
    return [manifest.labelled(clip, config.labels) for clip in data.clips], Shards(caches)


def _with_precision(
    config: TrainConfig, out: Path, device: torch.device, *, resume: bool, world: World
) -> TrainConfig:
    """The configuration with `precision` settled: that of the run to go on with, or what is faster here.

    All processes settle on one: bf16 only where it is faster for each.
    """
    if config.precision != "auto":
        return config
    begun = out / CONFIG
    if resume and begun.is_file():
        try:
            name = json.loads(begun.read_text(encoding="utf-8"))["precision"]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{begun}: not the configuration of a run ({error}). Give another --out.") from error
    else:
        name = "fp32" if world.any([not in_bf16(device, config.precision)])[0] else "bf16"
    return replace(config, precision=name)


def _claim(out: Path, config: TrainConfig, resume: bool) -> None:
    """Make `out` this run's folder, or refuse to mix two runs in one."""
    path = out / CONFIG
    resolved = json.dumps(plain(config), indent=1) + "\n"
    if path.is_file():
        if not resume:
            raise ConfigError(f"{out} holds a run; go on with --resume, or give another --out.")
        if path.read_text(encoding="utf-8") != resolved:
            raise ConfigError(f"{out} was started with another configuration ({path}); resume with that one.")
    out.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(resolved, encoding="utf-8")
    partial.replace(path)


def main(  # noqa: PLR0917 (typer's options)
    command: Annotated[
        Command, typer.Argument(help="Which stages to run; sizes: what each size of encoder costs on this machine.")
    ] = Command.all,
    manifests: Annotated[
        list[Path] | None,
        typer.Option(
            "--manifest",
            help="manifest.jsonl, CSV or folder of recordings; several times: all of them together.",
            show_default="recordings/manifest.jsonl",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and logs.")] = Path("runs/default"),
    config_path: Annotated[
        Path | None, typer.Option("--config", help="TOML file; see uijepa/training/config.py.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key.subkey=value, on top of the file.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    init: Annotated[Path | None, typer.Option(help="Checkpoint folder to start from.")] = None,
) -> None:
    """Train on a manifest: JEPA pretraining of the encoder, then tuning of the decoder."""
    try:
        config = load(TrainConfig, config_path, overrides or [])
        if command is Command.sizes:
            Console().print(speed.table(config, pick_device(config.device), MEASURED_S, console))
            return
        made = train(manifests or [DEFAULT_MANIFEST], out, config, What(command), resume=resume, init=init)
        if not console.quiet:  # of several processes the first one speaks
            print(made)
    except UijepaError as error:
        console.quiet = False
        console.print(f"[red]{error.code}[/red]: {error}", soft_wrap=True)
        raise typer.Exit(130 if error.code == "interrupted" else 1) from None


if __name__ == "__main__":
    try:
        typer.run(main)
    except SystemExit as end:
        leave(end.code if isinstance(end.code, int) else 1)
