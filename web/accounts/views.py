"""Pages for administrators: accounts, roles, invitations; and the page on which an invited person begins."""

from __future__ import annotations

import datetime

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_security.utils import hash_password

from stores import office
from web.accounts import current_account, invitations, store
from web.accounts.forms import ROLE_NAMES, AccountForm, NewPasswordForm, RolesForm
from web.accounts.models import Account
from web.accounts.passwords import SHORTEST
from web.accounts.sign_in import as_signed_in
from web.audit import audit
from web.rooms import Room

room = Room(
    "accounts",
    __name__,
    audience="staff",
    roles=("administrator",),
    processes=("office",),
    url_prefix="/office/accounts",
    menu=(("accounts.all_accounts", lazy_gettext("Accounts")),),
    about=lazy_gettext("Who may sign in, and with which roles."),
    anonymous=("accept",),
)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _conflict(error: store.RolesConflict) -> str:
    roles = ", ".join(str(ROLE_NAMES[role]) for role in error.roles)
    return _(
        "Whoever knows the invitations may never see answers: “%(clerk)s” cannot be together with %(others)s "
        "on one account. Make a second account for another person.",
        clerk=ROLE_NAMES["register_clerk"],
        others=roles,
    )


def _last() -> str:
    return _("This is the last active administrator. Give another account that role first.")


@room.get("/")
def all_accounts() -> ResponseReturnValue:
    """Every account with its roles and state."""
    with office.read() as session:
        found = store.accounts(session)
    return render_template("accounts/list.html", accounts=found, role_names=ROLE_NAMES)


@room.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Create an account and its invitation."""
    form = AccountForm()
    if form.validate_on_submit():
        try:
            with office.begin() as session:
                account = store.create(
                    session,
                    email=form.email.data or "",
                    name=form.name.data or "",
                    roles=form.roles.data or (),
                    today=_today(),
                )
                audit(
                    session,
                    current_account(),
                    "account.create",
                    f"account {account.email}",
                    {"roles": list(account.role_names)},
                )
        except store.RolesConflict as error:
            form.form_errors.append(_conflict(error))
        except store.EmailTaken:
            form.form_errors.append(_("There is an account with this address already."))
        else:
            flash(_("The account is there. Now hand over the invitation below."), "success")
            return redirect(url_for("accounts.one", number=account.id, invite="1"))
    return render_template("accounts/new.html", form=form), 422 if form.is_submitted() else 200


def _account(number: int) -> Account:
    with office.read() as session:
        account = store.get(session, number)
    if account is None:
        abort(404)
    return account


@room.get("/<int:number>")
def one(number: int) -> ResponseReturnValue:
    """One account: roles, state, invitation, second factor."""
    account = _account(number)
    form = RolesForm(roles=list(account.role_names))
    link = None
    if request.args.get("invite") == "1" and account.active:
        link = url_for("accounts.accept", token=invitations.token(account), _external=True)
    return render_template(
        "accounts/one.html",
        account=account,
        form=form,
        link=link,
        days=invitations.DAYS,
        role_names=ROLE_NAMES,
    )


@room.post("/<int:number>/roles")
def roles(number: int) -> ResponseReturnValue:
    """Give the account exactly the ticked roles."""
    form = RolesForm()
    if not form.validate():
        abort(400)
    try:
        with office.begin() as session:
            account = store.get(session, number)
            if account is None:
                abort(404)
            before = account.role_names
            store.set_roles(session, account, form.roles.data or ())
            audit(
                session,
                current_account(),
                "account.roles",
                f"account {account.email}",
                {"before": list(before), "after": list(account.role_names)},
            )
    except store.RolesConflict as error:
        flash(_conflict(error), "danger")
    except store.LastAdministrator:
        flash(_last(), "danger")
    else:
        flash(_("The roles are saved. The person has to sign in again."), "success")
    return redirect(url_for("accounts.one", number=number))


@room.post("/<int:number>/active")
def active(number: int) -> ResponseReturnValue:
    """Let the account in again, or keep it out at once."""
    wanted = request.form.get("active") == "yes"
    try:
        with office.begin() as session:
            account = store.get(session, number)
            if account is None:
                abort(404)
            store.set_active(session, account, wanted)
            action = "account.activate" if wanted else "account.deactivate"
            audit(session, current_account(), action, f"account {account.email}")
    except store.LastAdministrator:
        flash(_last(), "danger")
    else:
        flash(_("The account is active.") if wanted else _("The account is switched off."), "success")
    return redirect(url_for("accounts.one", number=number))


@room.post("/<int:number>/invitation")
def invite(number: int) -> ResponseReturnValue:
    """A fresh invitation; earlier ones no longer work, and the person is signed out."""
    with office.begin() as session:
        account = store.get(session, number)
        if account is None:
            abort(404)
        store.sign_out_everywhere(account)
        audit(session, current_account(), "account.invite", f"account {account.email}")
    return redirect(url_for("accounts.one", number=number, invite="1"))


@room.post("/<int:number>/second-factor")
def second_factor(number: int) -> ResponseReturnValue:
    """Forget the second factor of a person who lost the phone."""
    with office.begin() as session:
        account = store.get(session, number)
        if account is None:
            abort(404)
        store.reset_second_factor(account)
        audit(session, current_account(), "account.second_factor_reset", f"account {account.email}")
    flash(_("The second factor is reset. The person sets up a new one at the next sign-in."), "success")
    return redirect(url_for("accounts.one", number=number))


@room.route("/invitation/<token>", methods=["GET", "POST"])
def accept(token: str) -> ResponseReturnValue:
    """Choose a password with an invitation."""
    number = invitations.read(token)
    with office.read() as session:
        account = None if number is None else store.get(session, number)
    if account is None or not invitations.fits(token, account):
        return render_template("accounts/invitation_gone.html"), 410
    form = NewPasswordForm()
    form.known = (account.name, account.email)
    if form.validate_on_submit():
        # Hashed before the transaction: argon2 takes a while, and nobody should wait for it at the store.
        hashed = hash_password(form.password.data)
        with office.begin() as session:
            row = store.get(session, account.id)
            if row is None or not invitations.fits(token, row):
                return render_template("accounts/invitation_gone.html"), 410
            store.set_password(row, hashed)
            audit(session, as_signed_in(row), "account.invitation_accepted", f"account {row.email}")
        flash(_("The password is saved. Sign in with it."), "success")
        return redirect(url_for("security.login"))
    page = render_template("accounts/accept.html", form=form, account=account, length=SHORTEST)
    return page, 422 if form.is_submitted() else 200
