"""The tour: for each kind of user the three things to look at first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Response, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config import Settings
from demo import city
from stores import collector, published
from web.accounts.demo import PASSWORD
from web.i18n import STAFF_LANGUAGES, language, speaking
from web.rooms import Room

#: The sample for visitors in the clerk's chair: enough people for every key.
SAMPLE_SEED, SAMPLE_SHARE = 7, 0.4

room = Room("tour", __name__, audience="public", processes=("public",))


@dataclass(frozen=True)
class Link:
    """One thing to look at."""

    address: str
    text: str


@dataclass(frozen=True)
class Stop:
    """One kind of user."""

    who: str
    what: str
    links: tuple[Link, ...]
    login: str | None = None
    codes: list[str] = field(default_factory=list)
    file: Link | None = None


@room.get("/tour")
def tour() -> ResponseReturnValue:
    """The tour, in German or English; only in the demo."""
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.demo:
        abort(404)
    with collector.read() as session:
        made: dict[str, Any] = published(session, "office", "tour", "demo") or {}
    tag = request.accept_languages.best_match(STAFF_LANGUAGES, "de")
    chosen = request.args.get("lang")
    with speaking(chosen if chosen in STAFF_LANGUAGES else tag or "de"):
        links = [(one, f"/tour?lang={one}") for one in STAFF_LANGUAGES]
        return render_template("demo/tour.html", stops=stops(made), password=PASSWORD, language_links=links)


@room.get("/tour/sample.csv")
def sample() -> ResponseReturnValue:
    """Invented people for the wave that waits for its sample; only in the demo."""
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.demo:
        abort(404)
    people = city.draw_sample(2024, SAMPLE_SEED, SAMPLE_SHARE)
    content = city.sample_csv(city.sample_rows(people, 2024))
    return Response(
        content, mimetype="text/csv", headers={"Content-Disposition": 'attachment; filename="sample.csv"'}
    )


def _spoken(address: str) -> str:
    """An address of the public's pages, in the language of the tour."""
    return f"{address}?lang={language()}"


def _login(role: str) -> str:
    return f"{role.replace('_', '-')}@demo.example.org"


def stops(made: dict[str, Any]) -> list[Stop]:
    """The stops of the tour; ``made`` names what `flask demo` has made."""
    conference = made.get("conference", "")
    return [
        *_residents(made),
        *_survey_staff(made),
        *_conference_staff(conference, made.get("open_conference", conference)),
    ]


def _residents(made: dict[str, Any]) -> list[Stop]:
    conference = made.get("open_conference") or made.get("conference", "")
    return [
        Stop(
            _("Resident"),
            _("Answer the survey on a phone, in your language, with or without JavaScript."),
            (
                Link(_spoken("/s/living-here"), _("Choose a language")),
                Link("/s/living-here/ar", _("The survey in Arabic")),
                Link("/s/living-here/de-simple", _("The survey in plain German")),
            ),
            codes=made.get("codes", []),
        ),
        Stop(
            _("Participant of a conference"),
            _("Rank the fields of action on your phone, and check afterwards that your ballot was counted."),
            (
                Link(_spoken(f"/c/{conference}"), _("Join the hall")),
                Link(_spoken(f"/c/{made.get('conference', '')}"), _("What the conference of 2019 decided")),
                Link(
                    _spoken(f"/c/{made.get('teaching', '')}"),
                    _("A real election that shows why rules matter"),
                ),
            ),
            codes=made.get("conference_codes", []),
        ),
        Stop(
            _("The public"),
            _("Read what came out, with its uncertainty, on a phone and without script."),
            (
                Link(_spoken("/results"), _("All published results")),
                Link(_spoken(f"/results/{made.get('publication', '')}"), _("Living here: the results")),
                Link(f"/results/{made.get('publication', '')}/ar", _("The results in Arabic")),
            ),
        ),
    ]


def _survey_staff(made: dict[str, Any]) -> list[Stop]:
    survey = "living-here"
    return [
        Stop(
            _("Editor"),
            _("Adapt a model questionnaire and run a wave."),
            (
                Link("/office/surveys", _("Questionnaires")),
                Link(f"/office/surveys/{survey}/waves", _("Waves of the survey")),
                Link("/office/waves", _("All waves and their returns")),
            ),
            _login("editor"),
        ),
        Stop(
            _("Translator"),
            _("Have every language read by native speakers, and attach sound."),
            (
                Link("/office/reading", _("Languages and who has read them")),
                Link(f"/office/surveys/{survey}/readers", _("Texts for native readers")),
                Link(f"/office/surveys/{survey}/sounds", _("Sound for those who read with difficulty")),
            ),
            _login("translator"),
        ),
        Stop(
            _("Register clerk"),
            _("Import a sample, print letters, send reminders; never see an answer."),
            (
                Link("/office/register/", _("Invitations")),
                Link(f"/office/register/{made.get('prepared', '')}/", _("A wave that waits for its sample")),
                Link("/office/register/plan", _("Plan a sample")),
            ),
            _login("register_clerk"),
            file=Link("/tour/sample.csv", _("Invented people to import there (CSV)")),
        ),
        Stop(
            _("Analyst"),
            _("From margins to weights, tables and a release; never see an invitation."),
            (
                Link("/office/analysis", _("Waves, margins and plans")),
                Link(f"/office/analysis/plans/{made.get('plan', '')}", _("The demo's analysis plan")),
                Link("/office/releases", _("The release desk")),
            ),
            _login("analyst"),
        ),
        Stop(
            _("Reviewer"),
            _("Decide what leaves the house, with the auditor's findings at hand."),
            (
                Link("/office/releases", _("What is waiting to be released")),
                Link(_spoken("/results"), _("What was released")),
                Link("/office", _("Start page of the staff")),
            ),
            _login("reviewer"),
        ),
    ]


def _conference_staff(conference: str, live: str) -> list[Stop]:
    return [
        Stop(
            _("Moderator"),
            _("Collect, vote, understand, decide and publish with the people in the hall."),
            (
                Link("/office/conferences", _("All conferences")),
                Link(f"/office/conferences/{conference}", _("The conference of 2019")),
                Link(f"/office/conferences/{live}/stage", _("The stage view for the beamer")),
            ),
            _login("moderator"),
        ),
        Stop(
            _("Entry clerk"),
            _("Key paper answers and ballots with a second person, and hold interviews."),
            (
                Link("/office/entry/", _("Answer sheets, stacks and interviews")),
                Link("/office/paper/", _("Paper ballots of conferences")),
                Link(f"/office/paper/{live}/r1", _("Key a paper ballot")),
            ),
            _login("entry_clerk"),
        ),
        Stop(
            _("Administrator"),
            _("Accounts and the audit log; neither invitations nor answers."),
            (
                Link("/office/accounts/", _("Accounts")),
                Link("/office/audit/", _("Audit log")),
                Link("/health/ready", _("Is everything running?")),
            ),
            _login("administrator"),
        ),
    ]
