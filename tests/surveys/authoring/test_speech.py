"""A machine reads questions aloud, for the demo."""

import io
import shutil
import wave

import numpy as np
import pytest

from stores import office
from surveys.authoring import speech, store
from surveys.authoring.sounds import kind
from surveys.questionnaire import expand, read
from tests.surveys.documents import load

needs_voice = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def tone(rate, seconds, frequency):
    times = np.arange(int(rate * seconds)) / rate
    out = io.BytesIO()
    with wave.open(out, "wb") as target:
        target.setparams((1, 2, rate, 0, "NONE", ""))
        target.writeframes((20_000 * np.sin(2 * np.pi * frequency * times)).astype("<i2").tobytes())
    return out.getvalue()


def test_smaller_keeps_length_and_pitch():
    with wave.open(io.BytesIO(speech.smaller(tone(22_050, 1.0, 440)))) as made:
        assert (made.getnchannels(), made.getsampwidth(), made.getframerate()) == (1, 1, speech.RATE)
        samples = np.frombuffer(made.readframes(made.getnframes()), np.uint8).astype(float) - 128
    assert abs(samples.size - speech.RATE) <= 1
    assert int(np.argmax(np.abs(np.fft.rfft(samples)))) == 440


def test_smaller_of_nothing():
    with wave.open(io.BytesIO(speech.smaller(tone(22_050, 0, 440)))) as made:
        assert made.getnframes() == 0


def test_what_is_read_aloud():
    made, full = read(load("small")), expand(load("small"))
    items = {item["id"]: item for section in full["sections"] for item in section["items"]}

    def script(name):
        return speech.script(items[name], "en", made.pick)

    assert script("obstacles") == (
        "What makes searching hard?. Two at most. the language. care for children. papers. nothing."
    )
    assert script("feel").startswith("How true is this?. I am hopeful. I am often alone. fully true.")
    assert script("satisfied").endswith("not satisfied at all. fully satisfied.")


def test_without_the_program(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(speech.NoVoice, match="not installed"):
        speech.speak("hello", "en")


@needs_voice
def test_a_language_without_a_voice():
    with pytest.raises(speech.NoVoice, match="no voice for xx"):
        speech.speak("hello", "xx")


@needs_voice
def test_a_voice_speaks():
    content = speech.speak("Good morning. How are you?", "en")
    assert kind(content) == ("audio/wav", "wav")
    with wave.open(io.BytesIO(content)) as made:
        assert 1 < made.getnframes() / made.getframerate() < 6


@needs_voice
@pytest.mark.slow
def test_the_command_attaches_a_voice_to_every_item(app):
    document = load("small") | {"audio": []}
    for section in document["sections"]:
        for item in section["items"]:
            item.pop("audio", None)
    with app.app_context(), office.begin() as session:
        store.save_draft(session, "small", document)
    result = app.test_cli_runner().invoke(args=["questionnaire", "speak", "small", "de", "fa-AF"])
    assert result.exit_code == 0, result.output
    with app.app_context(), office.read() as session:
        made = store.newest(session, "small").document
        assert made["audio"] == ["de", "fa-AF"]
        names = {name for item in read(made).items for name in item.audio.values()}
        assert [sound.synthetic for sound in store.sounds(session, names)] == [True] * len(names)
        assert store.unready_languages(session, "small", 1, ["de"]) == {"de": ["unread", "synthetic"]}
    run = app.test_cli_runner().invoke
    assert run(args=["questionnaire", "speak", "none", "de"]).exit_code == 2
    assert run(args=["questionnaire", "speak", "small", "tr"]).exit_code == 2
