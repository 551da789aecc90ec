"""The import of a sample as a job: read, check, write in one transaction, say how far it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from participation.access import sample, spreadsheet
from participation.access.people.uploads import Stopped, Upload

#: Faults that a page shows; all that are listed stand in the file that can be downloaded.
FAULTS_SHOWN = 200

#: Writes all people in one transaction and tells how many are written; returns their number.
Write = Callable[[Sequence[sample.Person], Callable[[int], None]], int]


@dataclass(frozen=True)
class Job:
    """What an import needs to know: field -> column, and what the register holds already."""

    mapping: Mapping[str, str]
    strata: Collection[str]
    languages_of: Mapping[str, Sequence[str]]
    known_references: Collection[str]
    known_addresses: Collection[tuple[str, str, str]] = ()


def run(upload: Upload, job: Job, write: Write) -> None:
    """Import the upload; whatever happens is said in its state, and nothing is imported by halves."""
    try:
        _run(upload, job, write)
    except Stopped:
        upload.say("stopped")
    except spreadsheet.TableError as error:
        upload.say("failed", code=error.code, params=error.params)
    except Exception as error:
        # The text of an error may quote a row of the file; its kind is enough to look further.
        upload.say("failed", code="unexpected", params={"kind": type(error).__name__})
    finally:
        upload.remove_file()


def _run(upload: Upload, job: Job, write: Write) -> None:
    upload.say("reading")
    table = spreadsheet.read_table(upload.file.read_bytes())
    upload.check()
    upload.say("checking", total=table.frame.height)
    found = sample.check(
        table,
        job.mapping,
        strata=job.strata,
        languages_of=job.languages_of,
        known_references=job.known_references,
        known_addresses=job.known_addresses,
    )
    upload.check()
    if found.faults:
        upload.keep_faults(asdict(fault) for fault in found.faults)
        shown = [asdict(fault) for fault in found.faults[:FAULTS_SHOWN]]
        upload.say("faulty", faults=shown, listed=len(found.faults), amount=found.amount)
        return
    total = len(found.people)

    def progress(done: int) -> None:
        upload.check()
        upload.say("writing", done=done, total=total)

    progress(0)
    number = write(found.people, progress)
    upload.say("done", imported=number, unmapped=dict(found.unmapped))
