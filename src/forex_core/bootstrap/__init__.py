"""Settings to real adapters: the only module that knows them all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

from forex_core.errors import CannotWrite, NotOwner, SettingsError, UsageError
from forex_core.settings import FLAG, PACKAGE_ROOT, Settings

if TYPE_CHECKING:
    from forex_core.horizons import Horizon
    from forex_core.models.member import Member
    from forex_core.notify.email import Security, Server
    from forex_core.notify.post import Notifier
    from forex_core.pipeline.publishing import Publication
    from forex_core.pipeline.request import Adapters, Request
    from forex_core.sources.table import Catalog

EARLIEST = date(1990, 1, 1)  # no pair has rates that could be replayed from before


@contextmanager
def opened(settings: Settings, *, dry_run: bool = False) -> Iterator[Adapters]:
    """The adapters of a run, with the lock held. A dry run works on a copy in memory and leaves no trace."""
    from forex_core.bootstrap.alerting import alerting
    from forex_core.bootstrap.services import Services
    from forex_core.mlops.tracker import MlflowTracker
    from forex_core.mlops.untracked import Untracked
    from forex_core.pipeline.request import Adapters
    from forex_core.store.lock import writer_lock
    from forex_core.store.replies import Replies
    from forex_core.store.store import Store

    data_dir = settings.data_dir
    reports = settings.output_dir or data_dir / "reports"
    if dry_run:
        here = Services.of(settings)
        with Store.in_memory(data_dir) as copy:
            yield Adapters(copy, Untracked(), reports, (), here.catalog, here.surroundings)
        return
    refuse_what_is_not_ours(data_dir)
    with writer_lock(data_dir, settings.lock_wait_seconds), Store.for_writing(data_dir) as store:
        tracker = MlflowTracker(data_dir / "mlflow", settings.mlflow_tracking_uri)
        here = Services.of(settings, Replies(data_dir / "raw").keep)
        yield Adapters(
            store,
            tracker,
            reports,
            catalog=here.catalog,
            around=here.surroundings,
            notifier=notifier(settings),
            publication=publication(settings),
            alerting=alerting(settings),
        )


def publication(settings: Settings) -> Publication:
    """What view-only users are shown: forex.db, and mlflow.db unless runs are recorded on a server."""
    from forex_core.pipeline.publishing import Publication
    from forex_core.store.viewing import PUBLIC

    data_dir = settings.data_dir
    embedded = () if settings.mlflow_tracking_uri else (data_dir / "mlflow" / "mlflow.db",)
    return Publication(data_dir / PUBLIC, (data_dir / "forex.db", *embedded))


def notifier(settings: Settings) -> Notifier:
    """Who mails the report; nobody if no server is set. SettingsError if what is set can't work."""
    from forex_core.notify.language import language_of
    from forex_core.notify.message import Letterhead
    from forex_core.notify.post import Post, Silent
    from forex_core.notify.spool import Spool

    server = mail_server(settings)
    if server is None:
        return Silent()
    if not settings.mail_from or not settings.mail_to:
        raise SettingsError("smtp_host is set, so mail_from and mail_to must be", hint="see `forex config show`")
    letterhead = Letterhead(settings.mail_from, language_of(settings.language))
    return Post(server, Spool(settings.data_dir / "spool"), letterhead, settings.mail_to)


def mail_server(settings: Settings) -> Server | None:
    """The mail server that is set, if one is."""
    from forex_core.notify.email import Server

    if settings.smtp_host is None:
        return None
    user, password = settings.smtp_user or "", settings.smtp_password or ""
    security = cast("Security", settings.smtp_security)
    return Server(settings.smtp_host, settings.smtp_port, security, user, password)


def catalog(settings: Settings) -> Catalog:
    """Every source that can be asked with these settings."""
    from forex_core.bootstrap.services import Services

    return Services.of(settings).catalog


def refuse_what_is_not_ours(data_dir: Path) -> None:
    """NotOwner if the data directory belongs to somebody else, or can't be made or written."""
    nearest = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    if data_dir.exists() and data_dir.stat().st_uid != os.geteuid():
        raise NotOwner(
            f"{data_dir} belongs to user {data_dir.stat().st_uid}, this is user {os.geteuid()}",
            untouched="nothing was changed",
            hint=f"run as its owner (sudo -u '#{data_dir.stat().st_uid}' ...), or set FOREX_DATA_DIR",
        )
    if os.statvfs(nearest).f_flag & os.ST_RDONLY:
        raise CannotWrite(f"{nearest} is on a read-only disk", untouched="nothing was changed", hint="remount it")
    if not os.access(nearest, os.W_OK):
        raise NotOwner(f"no permission to write {nearest}", untouched="nothing was changed", hint="set FOREX_DATA_DIR")


def request_for(
    settings: Settings, horizons: list[Horizon], *, as_of: date | None, demo: bool = False, skip_email: bool = False
) -> Request:
    """What the settings and the command line ask of a run, checked before anything is opened."""
    from forex_core.calendars import utc_now
    from forex_core.pipeline.request import Request

    check(settings)
    now = utc_now()
    if as_of and not EARLIEST <= as_of <= now.date():
        raise UsageError(f"--as-of {as_of} must lie between {EARLIEST} and today (UTC)")
    return Request(
        pairs=settings.pairs,
        horizons=tuple(horizons),
        source=settings.source,
        members=members_of(settings),
        as_of=as_of,
        now=now,
        weighting=settings.weighting,
        demo=demo,
        skip_email=skip_email,
        environment=settings.environment,
        stale_after_days=settings.stale_after_days,
        code_version=code_version(),
        language=settings.language,
        pdf=settings.pdf,
    )


def members_of(settings: Settings) -> tuple[Member, ...]:
    """The members that are set; a name that does not exist is blamed on where it was written."""
    from forex_core.models.table import configured, members_named

    with _blaming(settings, "members"):
        return members_named(settings.members, configured(settings))


def check(settings: Settings) -> None:
    """Refuse settings that no run could use."""
    members_of(settings)
    notifier(settings)
    if settings.source.startswith("csv:") and len(settings.pairs) > 1:
        raise UsageError(f"one file holds the rates of one pair, not of {', '.join(settings.pairs)}")
    if settings.source != "auto":
        with _blaming(settings, "source"):
            for pair in settings.pairs:
                catalog(settings).chain_for(pair, settings.source)


@contextmanager
def _blaming(settings: Settings, name: str) -> Iterator[None]:
    """A wrong name on the command line is a usage error, anywhere else one of configuration."""
    try:
        yield
    except UsageError as error:
        origin = settings.origins[name]
        if origin == FLAG:
            raise
        raise SettingsError(f"{origin} ({name}): {error.message}", hint="see `forex config show`") from error


def code_version() -> str:
    """The package's version, and the commit when it runs from a checkout."""
    commit = _commit(PACKAGE_ROOT / ".git")
    return version("forex-core") + (f"+{commit[:12]}" if commit else "")


def _commit(git: Path) -> str | None:
    """Read HEAD without git, which a server may lack."""
    try:
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (loose := git / name).is_file():
            return loose.read_text(encoding="ascii").strip()
        packed = (git / "packed-refs").read_text(encoding="ascii").splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {name}")), None)
    except OSError:
        return None
