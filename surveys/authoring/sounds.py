"""Which sound files we take: told by their first bytes, not by their name."""

from __future__ import annotations

LARGEST = 2_000_000
"""Bytes of one file; a minute of speech has about 250,000."""


class NotASound(ValueError):
    """A file that is too large, empty or no sound that browsers play; ``code`` says which."""

    def __init__(self, code: str) -> None:
        """Keep the code: ``large`` or ``kind``."""
        self.code = code
        super().__init__(code)


def kind(content: bytes) -> tuple[str, str]:
    """Return media type and file ending of a sound; raises ``NotASound``."""
    if len(content) > LARGEST:
        raise NotASound("large")
    if content[:3] == b"ID3" or (content[:1] == b"\xff" and content[1:2] and content[1] & 0xE0 == 0xE0):
        return "audio/mpeg", "mp3"
    if content[:4] == b"OggS":
        return "audio/ogg", "ogg"
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return "audio/wav", "wav"
    if content[4:8] == b"ftyp":
        return "audio/mp4", "m4a"
    raise NotASound("kind")
