"""Uploads are private, replaced as a whole, and forgotten."""

import os
import time

import pytest

from participation.access.people import importing, uploads
from participation.access.people.importing import Job
from participation.access.people.uploads import Stopped

TEXT = "name;street;postcode;place;stratum\nA;B 1;12345;C;a\n"
JOB = Job(dict(zip(TEXT.split()[0].split(";"), TEXT.split()[0].split(";"), strict=True)), ["a"], {}, ())


@pytest.fixture
def upload(tmp_path):
    return uploads.keep(tmp_path / "u", TEXT.encode(), {"first": [["A"]], "rows": 1})


def test_an_upload_is_readable_by_its_owner_only(upload, tmp_path):
    assert upload.file.stat().st_mode & 0o777 == 0o600
    assert upload.state()["state"] == "uploaded"
    assert uploads.find(tmp_path / "u", upload.name) == upload
    assert uploads.find(tmp_path / "u", "../etc/passwd") is None
    assert uploads.find(tmp_path / "u", "0" * 32) is None


def test_a_finished_import_leaves_no_line_of_the_file(upload, tmp_path):
    importing.run(upload, JOB, lambda people, progress: len(people))
    state = upload.state()
    assert (state["state"], state["imported"], "first" in state) == ("done", 1, False)
    assert not upload.file.exists()
    assert not any(b"B 1" in path.read_bytes() for path in (tmp_path / "u").iterdir())


def test_a_stop_is_heard_between_two_parts(upload):
    def write(people, progress):
        upload.stop()
        progress(1)
        raise AssertionError("not reached")

    importing.run(upload, JOB, write)
    assert upload.state()["state"] == "stopped"
    upload.stop()
    with pytest.raises(Stopped):
        upload.check()


def test_an_unforeseen_error_quotes_no_row(upload):
    def write(people, progress):
        raise ValueError(f"could not write {people[0]}")

    importing.run(upload, JOB, write)
    state = upload.state()
    assert (state["state"], state["code"], state["params"]) == (
        "failed",
        "unexpected",
        {"kind": "ValueError"},
    )


def test_a_file_that_is_no_table_is_named(upload):
    upload.file.write_bytes(b"a;b\n1\n")
    importing.run(upload, JOB, lambda people, progress: 0)
    assert upload.state()["code"] == "ragged"


def test_a_silent_import_counts_as_interrupted(upload):
    upload.say("writing", done=1, total=2)
    assert upload.state()["state"] == "writing"
    assert upload.state(time.time() + uploads.SILENT + 1)["state"] == "interrupted"
    (upload.folder / f"{upload.name}.json").write_text("{")
    assert upload.state() == {}


def test_faults_are_kept_for_download(upload):
    assert list(upload.faults()) == []
    importing.run(upload, Job(JOB.mapping, ["b"], {}, ()), lambda people, progress: 0)
    assert [fault["code"] for fault in upload.faults()] == ["stratum_unknown"]
    assert upload.state()["amount"] == 1


def test_forgotten_uploads_are_removed(upload, tmp_path):
    other = uploads.keep(tmp_path / "u", b"x", {})
    old = time.time() - uploads.KEPT - 1
    os.utime(upload.folder / f"{upload.name}.json", (old, old))
    uploads.clear(tmp_path / "u")
    assert not upload.file.exists()
    assert upload.state() == {}
    assert other.file.exists()
    uploads.clear(tmp_path / "nowhere")
