"""The operational record on a real SQLite: durable, append-only where it says so, refused when it is not sound."""

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from forex_core.errors import CannotWrite, CorruptStore, ForexError, LockBusy, NotOwner, SettingsError, VersionMismatch
from forex_core.store import database
from forex_core.store.database import damage_named, open_for_reading, open_for_writing
from forex_core.store.events import Event
from forex_core.store.store import Store
from forex_core.store.windows import StoredWindow
from forex_core.values import Observation
from samples import ISSUED_AT, VERSION, freeze, sample_forecast, sample_score

DAY = date(2024, 7, 1)
KNOWN = datetime(2024, 6, 28, 22, tzinfo=UTC)
FETCHED = datetime(2024, 7, 1, 12, tzinfo=UTC)
LATER = FETCHED + timedelta(days=1)


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with Store.for_writing(data_dir) as store:
        yield store


def sql(store: Store, statement: str) -> list[tuple[object, ...]]:
    """What a stranger with a database tool would do."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def observation(value: float, day: date = DAY, known_at: datetime = KNOWN, source: str = "csv") -> Observation:
    return Observation(day, value, known_at, source)


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 20_000)]
)
def test_a_commit_is_on_the_disk_before_it_is_acknowledged(store: Store, pragma: str, value: object) -> None:
    with closing(open_for_writing(store.path)) as connection:
        assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_reading_never_makes_a_database(data_dir: Path) -> None:
    with pytest.raises(SettingsError, match="forex demo"):
        Store.for_reading(data_dir)

    assert not data_dir.exists()


def test_a_reader_cannot_write(store: Store, data_dir: Path) -> None:
    with Store.for_reading(data_dir) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        freeze(reader)


def test_what_one_store_wrote_the_next_one_reads(store: Store, data_dir: Path) -> None:
    store.remember("mlflow", "made")
    store.close()

    with Store.for_writing(data_dir) as again:
        assert again.fact("mlflow") == "made"


@pytest.mark.fault(28)
def test_when_the_first_making_was_interrupted_then_it_is_made_again(data_dir: Path) -> None:
    data_dir.mkdir()
    for name in (".forex.db.new", ".forex.db.new-journal"):
        (data_dir / name).write_bytes(b"half a database")

    with Store.for_writing(data_dir) as store:
        store.check_integrity()
    assert [path.name for path in data_dir.iterdir()] == ["forex.db"]


def test_when_forex_db_is_gone_but_mlflow_db_is_there_then_no_new_one_is_made(data_dir: Path) -> None:
    (data_dir / "mlflow").mkdir(parents=True)
    (data_dir / "mlflow" / "mlflow.db").touch()

    with pytest.raises(CorruptStore, match="is missing, though"):
        Store.for_writing(data_dir)
    assert not (data_dir / "forex.db").exists()


def test_migrations_are_numbered_without_a_gap() -> None:
    names = sorted(entry.name for entry in (files("forex_core.store") / "migrations").iterdir())

    assert [name[:5] for name in names] == [f"{n:04d}_" for n in range(1, len(names) + 1)]
    assert [number for number, _ in database.migrations()] == list(range(1, len(names) + 1))


def test_a_new_database_has_every_step(store: Store) -> None:
    assert sql(store, "PRAGMA user_version") == [(database.migrations()[-1][0],)]


def add_step(monkeypatch: pytest.MonkeyPatch, script: str) -> int:
    steps = database.migrations()
    number = steps[-1][0] + 1
    monkeypatch.setattr(database, "migrations", lambda: [*steps, (number, script)])
    return number


def test_a_new_step_is_taken_once_and_keeps_what_is_there(
    store: Store, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = freeze(store)
    number = add_step(monkeypatch, "CREATE TABLE extra (a);")

    for _ in range(2):
        with Store.for_writing(data_dir) as again:
            assert again.forecasts.get(frozen.forecast_id) == frozen
    assert sql(store, "PRAGMA user_version") == [(number,)]
    assert sql(store, "SELECT * FROM extra") == []


def test_a_step_that_fails_leaves_nothing_of_itself(
    store: Store, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add_step(monkeypatch, "CREATE TABLE extra (a); CREATE TABLE extra (a);")

    with pytest.raises((ForexError, sqlite3.Error), match="extra already exists"):
        Store.for_writing(data_dir)

    assert sql(store, "PRAGMA user_version") == [(number - 1,)]
    assert sql(store, "SELECT name FROM sqlite_master WHERE name = 'extra'") == []


def _zero(path: Path) -> None:
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _beheaded(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    ("spoil", "kind", "exit_code", "said"),
    [
        (_zero, CorruptStore, 74, "is empty or no file; restore it from a backup"),
        (_garbage, CorruptStore, 74, "file is not a database; restore it from a backup"),
        (_truncated, CorruptStore, 74, "disk image is malformed; restore it from a backup"),
        (_beheaded, CorruptStore, 74, "disk image is malformed; restore it from a backup"),
        (_foreign, CorruptStore, 74, "is not a forex database; restore it from a backup"),
        (_newer, VersionMismatch, 76, "has schema 99, this program knows"),
    ],
)
@pytest.mark.parametrize("opening", [Store.for_writing, Store.for_reading, Store.in_memory])
def test_what_is_not_a_sound_database_of_ours_is_refused_and_left_as_it_is(
    data_dir: Path,
    opening: Callable[[Path], Store],
    spoil: Callable[[Path], None],
    kind: type[ForexError],
    exit_code: int,
    said: str,
) -> None:
    path = data_dir / "forex.db"
    Store.for_writing(data_dir).close()
    spoil(path)
    before = path.read_bytes()

    with pytest.raises(kind) as caught:
        opening(data_dir)

    assert path.read_bytes() == before
    assert (caught.value.exit_code, said in str(caught.value), str(path) in str(caught.value)) == (
        exit_code,
        True,
        True,
    )


@pytest.mark.parametrize("opening", [Store.for_writing, Store.for_reading, Store.in_memory])
def test_a_directory_in_its_place_is_refused(data_dir: Path, opening: Callable[[Path], Store]) -> None:
    (data_dir / "forex.db").mkdir(parents=True)

    with pytest.raises(CorruptStore, match="is empty or no file"):
        opening(data_dir)
    assert list((data_dir / "forex.db").iterdir()) == []


def test_the_integrity_check_finds_a_damaged_page(store: Store, data_dir: Path) -> None:
    store.remember("long", "x" * 100_000)
    store.check_integrity()
    store.close()
    content = bytearray(store.path.read_bytes())
    page = len(content) - 4096 * 10  # among those the long value flows over, each starting with the next one's number
    content[page : page + 4] = b"\xff\xff\xff\xff"
    store.path.write_bytes(content)

    with Store.for_reading(data_dir) as damaged, pytest.raises(CorruptStore, match="is damaged"):
        damaged.check_integrity()


@pytest.mark.parametrize(
    ("said", "kind", "exit_code"),
    [
        (sqlite3.SQLITE_FULL, CannotWrite, 73),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, LockBusy, 75),
        (sqlite3.SQLITE_READONLY_DIRECTORY, NotOwner, 77),
        (sqlite3.SQLITE_IOERR_SHMSIZE, CorruptStore, 74),
        (sqlite3.SQLITE_CORRUPT, CorruptStore, 74),
    ],
)
def test_what_sqlite_says_becomes_an_error_of_ours(
    data_dir: Path, said: int, kind: type[ForexError], exit_code: int
) -> None:
    error = sqlite3.OperationalError("as SQLite puts it")
    error.sqlite_errorcode = said
    with pytest.raises(kind) as caught, damage_named(data_dir / "forex.db"):
        raise error

    assert caught.value.exit_code == exit_code
    assert str(data_dir / "forex.db") in str(caught.value)
    assert ("backup" in caught.value.hint) == (said == sqlite3.SQLITE_CORRUPT)  # only damage calls for one


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():
        freeze(store)
        raise ZeroDivisionError

    assert store.forecasts.get("f1") is None
    assert store.versions.champion("USDCLP", "7d") is None


def test_a_transaction_is_seen_by_others_once_it_is_committed(store: Store, data_dir: Path) -> None:
    with Store.for_reading(data_dir) as reader:
        with store.transaction():
            freeze(store)
            during = reader.forecasts.get("f1")
        after = reader.forecasts.get("f1")

    assert (during, after) == (None, sample_forecast())


def test_after_a_failed_transaction_the_next_one_works(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():
        raise ZeroDivisionError
    with store.transaction():
        freeze(store)

    assert store.forecasts.get("f1") is not None


def test_a_fact_is_remembered_and_may_be_told_anew(store: Store) -> None:
    assert store.fact("mlflow") is None
    store.remember("mlflow", "made")
    store.remember("mlflow", "made again")

    assert store.fact("mlflow") == "made again"


def test_a_copy_in_memory_has_all_of_it_and_changes_nothing(store: Store, data_dir: Path) -> None:
    freeze(store)
    store.close()
    before = store.path.read_bytes()

    with Store.in_memory(data_dir) as copy:
        assert copy.forecasts.get("f1") == sample_forecast()
        freeze(copy, forecast_id="f2", role="replay")
        copy.remember("mlflow", "made")
        assert copy.forecasts.get("f2") is not None

    assert store.path.read_bytes() == before
    with closing(open_for_reading(store.path)) as connection:
        assert connection.execute("SELECT forecast_id FROM forecasts").fetchall() == [("f1",)]


def test_a_copy_of_nothing_is_empty_and_leaves_no_trace(data_dir: Path) -> None:
    with Store.in_memory(data_dir) as copy:
        freeze(copy)
        assert copy.forecasts.pairs() == ["USDCLP"]

    assert not data_dir.exists()


def test_a_frozen_forecast_is_read_back_exactly(store: Store) -> None:
    freeze(store)

    assert store.forecasts.get("f1") == sample_forecast()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE forecasts SET role = 'replay'",
            "an issued forecast never changes; withdraw it by an event",
        ),
        ("DELETE FROM forecasts", "an issued forecast is never deleted; withdraw it by an event"),
        ("UPDATE events SET kind = 'finished'", "events are append-only"),
        ("DELETE FROM events", "events are append-only"),
        ("UPDATE scores SET body = '{}'", "a final score never changes"),
        ("DELETE FROM scores", "a score is never deleted"),
    ],
)
def test_what_was_issued_happened_or_was_scored_cannot_be_changed(store: Store, statement: str, said: str) -> None:
    freeze(store)
    store.forecasts.score(sample_score(), final=True)
    store.events.add(Event(ISSUED_AT, "started", "a1", "USDCLP", "7d", {}))

    with pytest.raises(sqlite3.IntegrityError) as caught:
        sql(store, statement)

    assert str(caught.value) == said
    assert store.forecasts.scores("USDCLP", "7d") == [(sample_forecast(), sample_score())]
    assert store.events.unended() == [Event(ISSUED_AT, "started", "a1", "USDCLP", "7d", {})]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"forecast_id": "f2"},  # the same pair, horizon, issue date and role
        {"role": "replay"},  # the same id
        {"forecast_id": "f2", "role": "favourite"},
        {"forecast_id": "f2", "role": "replay", "version_id": "v1999-01-01--00h00"},  # of no version
    ],
)
def test_one_forecast_is_frozen_for_each_pair_horizon_issue_date_and_role(
    store: Store, changes: dict[str, str]
) -> None:
    freeze(store)

    with pytest.raises(sqlite3.IntegrityError):
        store.forecasts.freeze(sample_forecast(**changes))
    assert sql(store, "SELECT forecast_id FROM forecasts") == [("f1",)]


def test_the_same_day_may_have_a_replay_and_another_horizon(store: Store) -> None:
    freeze(store)
    freeze(store, forecast_id="f2", role="replay")
    freeze(store, forecast_id="f3", horizon="15d")

    assert store.forecasts.roles("USDCLP", "7d", sample_forecast().issued_on) == ["champion", "replay"]
    assert store.forecasts.newest("USDCLP", "15d") == sample_forecast(forecast_id="f3", horizon="15d")


def test_the_newest_forecast_is_of_the_track_record_even_if_a_replay_is_newer(store: Store) -> None:
    freeze(store, forecast_id="old", issued_on=date(2024, 6, 28))
    freeze(store, forecast_id="new")
    freeze(store, forecast_id="replay", role="replay", issued_on=date(2024, 7, 2))

    newest = store.forecasts.newest("USDCLP", "7d")
    assert newest is not None
    assert newest.forecast_id == "new"


def test_only_due_track_record_without_a_final_score_waits_for_one(store: Store) -> None:
    freeze(store, forecast_id="replay", role="replay")
    freeze(store, forecast_id="due")
    freeze(store, forecast_id="open", issued_on=date(2024, 7, 2), target_date=date(2024, 7, 9))
    freeze(store, forecast_id="scored", issued_on=date(2024, 6, 28), target_date=date(2024, 7, 5))
    store.forecasts.score(sample_score(forecast_id="scored"), final=True)
    store.forecasts.score(sample_score(forecast_id="due"), final=False)

    waiting = store.forecasts.unscored("USDCLP", date(2024, 7, 8))
    assert [forecast.forecast_id for forecast in waiting] == ["due"]


def test_a_score_may_change_until_it_is_final(store: Store) -> None:
    freeze(store)
    store.forecasts.score(sample_score(outcome=940.0), final=False)
    store.forecasts.score(sample_score(), final=True)

    with pytest.raises(sqlite3.IntegrityError, match=r"^a final score never changes$"):
        store.forecasts.score(sample_score(outcome=1.0), final=True)
    assert store.forecasts.scores("USDCLP", "7d") == [(sample_forecast(), sample_score())]


def test_the_steps_of_a_forecast_are_noted_until_none_is_open(store: Store) -> None:
    freeze(store)
    store.forecasts.step_done("f1", "report", "7d.html", ISSUED_AT)
    open_between = store.forecasts.unfinished(("report", "tracking"))
    store.forecasts.step_done("f1", "tracking", "run1", ISSUED_AT)

    assert open_between == [sample_forecast()]
    assert store.forecasts.unfinished(("report", "tracking")) == []
    assert store.forecasts.steps("f1") == {"report": "7d.html", "tracking": "run1"}


def test_the_last_end_of_each_pair_and_horizon_is_known(store: Store) -> None:
    told = [("a1", "USDCLP", "failed"), ("a2", "EURUSD", "finished"), ("a3", "USDCLP", "started")]
    for attempt, pair, kind in told:
        store.events.add(Event(ISSUED_AT, kind, attempt, pair, "7d", {}))

    assert [(end.pair, end.kind) for end in store.events.last_ends()] == [("USDCLP", "failed"), ("EURUSD", "finished")]
    store.events.add(Event(LATER, "finished", "a3", "USDCLP", "7d", {}))
    assert [(end.pair, end.kind) for end in store.events.last_ends()] == [
        ("EURUSD", "finished"),
        ("USDCLP", "finished"),
    ]
    assert (store.events.has("failed", "a1"), store.events.has("failed", "a2")) == (True, False)


@pytest.mark.parametrize("end", ["finished", "failed", "killed"])
def test_an_attempt_without_an_end_is_found(store: Store, end: str) -> None:
    for attempt in ("a1", "a2"):
        store.events.add(Event(ISSUED_AT, "started", attempt, "USDCLP", "7d", {}))
    store.events.add(Event(ISSUED_AT, "issued", "a2", "USDCLP", "7d", {}))
    store.events.add(Event(LATER, end, "a1", "USDCLP", "7d", {}))

    assert [event.attempt for event in store.events.unended()] == ["a2"]


def add(store: Store, *rows: Observation, fetched_at: datetime = FETCHED, source: str = "csv") -> int:
    """Store the rows and return by how many the table grew."""
    before = len(store.observations.all_of("USDCLP", (source,)))
    store.observations.add("USDCLP", source, rows, fetched_at)
    return len(store.observations.all_of("USDCLP", (source,))) - before


def test_a_revision_is_told_with_the_value_before(store: Store) -> None:
    add(store, observation(951.02))
    revised, other = observation(952.0), observation(953.0, DAY + timedelta(days=1))

    assert store.observations.add("USDCLP", "csv", [revised, other], LATER) == [(951.02, revised)]


def test_an_observation_is_read_back_exactly(store: Store) -> None:
    row = observation(951.0200000000001)

    assert add(store, row) == 1
    assert store.observations.all_of("USDCLP", ("csv",)) == (row,)
    assert store.observations.all_of("EURUSD", ("csv",)) == ()


def test_the_same_value_again_adds_nothing(store: Store) -> None:
    add(store, observation(951.02))

    assert add(store, observation(951.02, known_at=LATER), fetched_at=LATER) == 0
    assert store.observations.revisions("USDCLP", "csv", DAY) == [observation(951.02)]


def test_a_different_value_is_a_revision_known_since_it_was_fetched(store: Store) -> None:
    add(store, observation(951.02))

    assert add(store, observation(952.0), observation(953.0, DAY + timedelta(days=1)), fetched_at=LATER) == 2
    assert store.observations.revisions("USDCLP", "csv", DAY) == [
        observation(951.02),
        observation(952.0, known_at=LATER),
    ]


def test_a_revision_back_to_the_first_value_is_a_revision_too(store: Store) -> None:
    for days, value in enumerate([951.02, 952.0, 951.02, 951.02]):
        add(store, observation(value), fetched_at=FETCHED + timedelta(days=days))

    revisions = store.observations.revisions("USDCLP", "csv", DAY)
    assert [row.value for row in revisions] == [951.02, 952.0, 951.02]
    assert [row.known_at for row in revisions] == [KNOWN, FETCHED + timedelta(days=1), FETCHED + timedelta(days=2)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_kept_as_nan_and_once(store: Store, value: float) -> None:
    assert add(store, observation(value)) == 1
    assert add(store, observation(value), fetched_at=LATER) == 0

    [row] = store.observations.all_of("USDCLP", ("csv",))
    assert math.isnan(row.value)


def test_a_number_after_nan_is_a_revision_and_nan_after_a_number_too(store: Store) -> None:
    add(store, observation(math.nan))

    assert add(store, observation(951.02), fetched_at=LATER) == 1
    assert add(store, observation(math.nan), fetched_at=LATER + timedelta(days=1)) == 1


def test_of_one_date_the_first_source_comes_last_and_its_newest_row_last_of_all(store: Store) -> None:
    add(store, observation(1.0, source="first"), source="first")
    add(store, observation(2.0, source="first"), source="first", fetched_at=LATER)
    add(store, observation(3.0, source="second"), source="second", fetched_at=LATER)
    add(store, observation(4.0, source="other"), source="other")

    found = store.observations.all_of("USDCLP", ("first", "second"))
    assert [row.value for row in found] == [3.0, 1.0, 2.0]


def test_observations_ascend_by_date_whatever_the_order_they_came_in(store: Store) -> None:
    days = [DAY + timedelta(days=n) for n in (2, 0, 1)]
    add(store, *(observation(float(day.day), day) for day in days))

    assert [row.observed_on for row in store.observations.all_of("USDCLP", ("csv",))] == sorted(days)


def test_versions_of_one_minute_are_numbered(store: Store) -> None:
    ids = [store.versions.register("USDCLP", "7d", {"n": n}, ISSUED_AT) for n in range(3)]
    ids.append(store.versions.register("USDCLP", "15d", {"n": 0}, ISSUED_AT + timedelta(seconds=59)))
    ids.append(store.versions.register("USDCLP", "7d", {"n": 9}, ISSUED_AT + timedelta(minutes=1)))

    assert ids == [VERSION, f"{VERSION}-2", f"{VERSION}-3", f"{VERSION}-4", "v2024-07-01--12h01"]


def test_a_configuration_is_registered_once_in_whatever_order_it_is_written(store: Store) -> None:
    first = store.versions.register("USDCLP", "7d", {"members": ["a"], "seed": 1}, ISSUED_AT)
    again = store.versions.register("USDCLP", "7d", {"seed": 1, "members": ["a"]}, LATER)

    assert first == again == store.versions.find("USDCLP", "7d", {"seed": 1, "members": ["a"]})
    assert store.versions.find("USDCLP", "7d", {"seed": 2, "members": ["a"]}) is None


def test_the_first_champion_is_crowned_uncontested_and_stays(store: Store) -> None:
    first, second = (store.versions.register("USDCLP", "7d", {"n": n}, ISSUED_AT) for n in range(2))
    store.versions.crown_first("USDCLP", "7d", first, ISSUED_AT)
    store.versions.crown_first("USDCLP", "7d", second, LATER)

    assert store.versions.champion("USDCLP", "7d") == first
    assert store.versions.champion("USDCLP", "15d") is None


def test_a_window_is_stored_once_by_its_key(store: Store) -> None:
    store.windows.add([StoredWindow("k1", "USDCLP", DAY, "rw_const", b"first")])
    store.windows.add([StoredWindow("k1", "USDCLP", DAY, "rw_const", b"second")])

    assert store.windows.paths(["k1", "k2"]) == {"k1": b"first"}
