"""Tables of staff accounts (office store)."""

from __future__ import annotations

import datetime
from typing import Any

from flask_security import RoleMixin, UserMixin
from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stores import Json, OfficeBase, refuse, trigger

#: Whoever knows the invitations may never see answers: these roles exclude each other on one account.
REGISTER_ROLE = "register_clerk"
SEALED_ROLES = ("analyst", "entry_clerk", "reviewer")
SEPARATION_MESSAGE = "register_clerk excludes analyst, entry_clerk and reviewer on one account"


class AccountRole(OfficeBase):
    """One row per account and role."""

    __tablename__ = "account_role"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(ForeignKey("role.name"), primary_key=True)


class Role(OfficeBase, RoleMixin):
    """A staff role; the rows are those of ``web.rooms.STAFF_ROLES``."""

    __tablename__ = "role"

    name: Mapped[str] = mapped_column(Text, primary_key=True)

    #: Flask-Security asks roles for permissions; ours have none beside their name.
    permissions = None


class Account(OfficeBase, UserMixin):
    """A person of the staff.

    ``password`` is an argon2 hash, NULL until the invitation was accepted; ``tf_totp_secret`` is encrypted
    with the secret TOTP_KEY; ``totp_counter`` is the last time step whose code was used, so that no code
    works twice; ``mf_recovery_codes`` are the encrypted unused recovery codes; ``fs_uniquifier`` stands in
    the session: changing it signs the account out everywhere.
    """

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    password: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    fs_uniquifier: Mapped[str] = mapped_column(Text, unique=True)
    tf_primary_method: Mapped[str | None] = mapped_column(Text)
    tf_totp_secret: Mapped[str | None] = mapped_column(Text)
    totp_counter: Mapped[int | None] = mapped_column(Integer)
    mf_recovery_codes: Mapped[list[Any] | None] = mapped_column(Json)
    created_on: Mapped[datetime.date] = mapped_column(Date)
    last_sign_in_on: Mapped[datetime.date | None] = mapped_column(Date)

    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]
        secondary="account_role", lazy="selectin", order_by=Role.name
    )

    @property
    def role_names(self) -> tuple[str, ...]:
        """The names of the account's roles, sorted."""
        return tuple(sorted(role.name for role in self.roles))


_SEALED = ", ".join(f"'{role}'" for role in SEALED_ROLES)
_OTHERS = "EXISTS (SELECT 1 FROM account_role WHERE account_id = NEW.account_id AND role"
_CONFLICT = (
    f"(NEW.role = '{REGISTER_ROLE}' AND {_OTHERS} IN ({_SEALED}))) "
    f"OR (NEW.role IN ({_SEALED}) AND {_OTHERS} = '{REGISTER_ROLE}'))"
)

# On PostgreSQL the account's row is locked first: two transactions that each add one half of a forbidden
# pair would otherwise not see each other.
trigger(
    "office",
    "account_role_separation",
    "account_role",
    sqlite=(
        "CREATE TRIGGER account_role_separation BEFORE INSERT ON account_role FOR EACH ROW "
        f"WHEN {_CONFLICT} BEGIN SELECT RAISE(ABORT, '{SEPARATION_MESSAGE}'); END"
    ),
    postgresql=(
        "CREATE OR REPLACE FUNCTION account_role_separation() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN PERFORM 1 FROM account WHERE id = NEW.account_id FOR UPDATE; "
        f"IF {_CONFLICT} THEN RAISE EXCEPTION '{SEPARATION_MESSAGE}' "
        "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER account_role_separation BEFORE INSERT ON account_role FOR EACH ROW "
        "EXECUTE FUNCTION account_role_separation()",
    ),
)
# Roles are given and taken by rows; a row is never rewritten, so the rule above cannot be walked around.
refuse(
    "office", "account_role_fixed", "account_role", ("UPDATE",), "account roles are inserted and deleted only"
)
