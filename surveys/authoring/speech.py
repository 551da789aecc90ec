"""Questions read aloud by a machine (espeak-ng), for the demo: a person's voice is what a survey needs.

The sound is small on purpose: 8,000 samples of one byte per second, as on the telephone.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveys.draft import inner_parts
from surveys.player.markup import plain

RATE = 8_000
"""Samples per second of what is written."""
SECONDS = 120
"""Longest time the program may take for one item."""
VOICES: Mapping[str, str] = {"de-simple": "de", "fa-AF": "fa", "ckb": "ku", "kmr": "ku"}


class NoVoice(RuntimeError):
    """espeak-ng is missing or has no voice for a language."""


def speak(words: str, language: str) -> bytes:
    """Return ``words`` spoken in ``language`` as a WAV file; raises ``NoVoice``."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise NoVoice("espeak-ng is not installed")
    voice = VOICES.get(language, language.split("-")[0])
    command = [program, "--stdin", "--stdout", "-b", "1", "-s", "140", "-v", voice]
    done = subprocess.run(  # noqa: S603 - a fixed program; the words go in by standard input
        command, input=words.encode(), capture_output=True, timeout=SECONDS, check=False
    )
    if done.returncode != 0 or not done.stdout:
        raise NoVoice(
            f"espeak-ng has no voice for {language}: {done.stderr.decode(errors='replace').strip()}"
        )
    return smaller(done.stdout)


def smaller(content: bytes) -> bytes:
    """Return a 16-bit mono WAV with ``RATE`` samples of 8 bits per second."""
    with wave.open(io.BytesIO(content)) as source:
        rate = source.getframerate()
    # The program writes to a pipe and cannot know the length, so the header's own count means nothing.
    sound = content[content.index(b"data") + 8 :]
    samples = np.frombuffer(sound[: len(sound) // 2 * 2], "<i2").astype(np.float64)
    out = io.BytesIO()
    with wave.open(out, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(1)
        target.setframerate(RATE)
        target.writeframes(_resampled(samples, rate).tobytes())
    return out.getvalue()


def _resampled(samples: NDArray[np.float64], rate: int) -> NDArray[np.uint8]:
    """Average over a window of one new sample, so that high tones do not fold back, then interpolate."""
    width = max(1, round(rate / RATE))
    smooth = np.convolve(samples, np.ones(width) / width, mode="same") if samples.size else samples
    times = np.arange(int(samples.size * RATE / rate)) * (rate / RATE)
    found = np.interp(times, np.arange(smooth.size), smooth) if samples.size else np.zeros(0)
    return np.clip(np.rint(found / 256 + 128), 0, 255).astype(np.uint8)


def script(item: Mapping[str, Any], language: str, pick: Callable[[Mapping[str, str], str], str]) -> str:
    """Return what is read aloud for one expanded item: question, help, each part, the answers."""
    texts = [item["text"], item.get("help", {})]
    for holder in (*inner_parts(item), item):
        texts += [holder["text"]] if holder is not item else []
        texts += [option["label"] for option in holder.get("options", ())]
        texts += [holder[end] for end in ("low", "high") if end in holder]
    words = [plain(pick(text, language)) for text in texts if text]
    return ". ".join(line.rstrip(".") for line in words if line) + "."
