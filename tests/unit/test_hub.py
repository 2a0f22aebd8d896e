"""Fetching a model from a hub: whole, cut, changed, refused."""

import json
import random
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import stamina

from chronos_samples import bolt_config
from forex_core.errors import CannotWrite, DataError, ForexError, LockBusy, ModelError, SourceUnavailable, UsageError
from forex_core.models.chronos import hub as client
from forex_core.models.chronos.download import TRIES
from forex_core.models.chronos.hub import fetch, listing, snapshots
from forex_core.models.chronos.reference import Reference, asked_for
from forex_core.store.lock import writer_lock
from hub_server import Hub, running_hub

ID = "amazon/chronos-bolt-tiny"
CONFIG = json.dumps(bolt_config()).encode()
WEIGHTS = random.Random(1).randbytes(300_000)
FILES = {
    "config.json": CONFIG,
    "model.safetensors": WEIGHTS,
    "README.md": b"# read me",
    ".gitattributes": b"",
    "pytorch_model.bin": b"a pickle",
    "onnx/model.safetensors": b"something else",
    "adapter_model.safetensors": b"something else",
}


@pytest.fixture(autouse=True)
def _quick_and_quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retries write no log here and wait hardly at all."""
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.01)
    stamina.instrumentation.set_on_retry_hooks(())
    yield
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub({ID: dict(FILES)}) as hub:
        yield hub


def reference(revision: str | None = None, of: str = ID) -> Reference:
    return asked_for(of, revision)


def refusal(hub: Hub, folder: Path, kind: type[ForexError], asked: Reference | None = None) -> str:
    """What it says when it refuses; no snapshot may be there then."""
    with pytest.raises(kind) as caught:
        fetch(asked or reference(), folder, hub.address)
    assert snapshots(folder) == []
    return str(caught.value)


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != "lock"}


def test_a_model_is_fetched_with_its_configuration_and_weights_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    found = fetch(reference(), tmp_path, hub.address)
    assert found.model == f"{ID}@{hub.commit}"
    assert found.bytes == len(CONFIG) + len(WEIGHTS)
    assert found.files == {name: sha256(FILES[name]).hexdigest() for name in ("config.json", "model.safetensors")}
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (found.folder / "config.json").read_bytes() == CONFIG
    home = f"hub/amazon--chronos-bolt-tiny/{hub.commit}"
    assert files_in(tmp_path) == {f"{home}/{name}" for name in ("config.json", "model.safetensors", "manifest.json")}
    assert snapshots(tmp_path) == [found]
    assert [path.rsplit("/", 1)[-1] for path, _ in hub.downloads()] == ["config.json", *2 * ["model.safetensors"]]


def test_a_generation_config_and_several_weight_files_are_fetched_too(hub: Hub, tmp_path: Path) -> None:
    more = {"generation_config.json": b"{}", **{f"model-0000{n}-of-00002.safetensors": WEIGHTS for n in (1, 2)}}
    hub.models[ID] = {"config.json": CONFIG, **more}
    assert set(fetch(reference(), tmp_path, hub.address).files) == {"config.json", *more}


def test_what_is_here_is_not_asked_for_again(hub: Hub, tmp_path: Path) -> None:
    first = fetch(reference(), tmp_path, hub.address)
    hub.asked.clear()
    assert fetch(reference(), tmp_path, hub.address) == first
    assert hub.downloads() == []
    hub.asked.clear()
    assert fetch(reference(hub.commit), tmp_path, hub.address) == first
    assert hub.asked == []


@pytest.mark.parametrize("revision", ["main", "refs/pr/7", "v1.0"])
def test_a_branch_or_tag_is_fetched_as_the_commit_that_it_names(hub: Hub, tmp_path: Path, revision: str) -> None:
    hub.branches = (revision,)
    assert fetch(reference(revision), tmp_path, hub.address).commit == hub.commit


def test_the_progress_rises_to_the_size_of_each_file(hub: Hub, tmp_path: Path) -> None:
    seen: dict[str, list[int]] = {}
    fetch(reference(), tmp_path, hub.address, lambda name, done, size: seen.setdefault(name, []).append(done))
    assert seen.keys() == {"config.json", "model.safetensors"}
    assert all(steps == sorted(steps) and steps[-1] == len(FILES[name]) for name, steps in seen.items())


# --- cut off


def test_when_the_connection_is_cut_then_it_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [100_000, 50_000]
    found = fetch(reference(), tmp_path, hub.address)
    assert (found.folder / "model.safetensors").read_bytes() == WEIGHTS
    spans = [span for path, span in hub.downloads() if path.startswith("/cdn/")]
    assert spans == ["", "bytes=100000-", "bytes=150000-"]


def test_when_it_is_cut_for_good_then_another_run_goes_on(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [20_000] * TRIES
    said = refusal(hub, tmp_path, SourceUnavailable)
    assert "did not give model.safetensors" in said
    assert "the next try goes on from there" in said
    hub.asked.clear()
    assert (fetch(reference(), tmp_path, hub.address).folder / "model.safetensors").read_bytes() == WEIGHTS
    assert [span for path, span in hub.downloads() if path.startswith("/cdn/")] == ["bytes=100000-"]
    assert not any(path.endswith("config.json") for path, _ in hub.downloads())


def test_a_server_without_ranges_begins_anew(hub: Hub, tmp_path: Path) -> None:
    hub.cuts, hub.knows_ranges = [100_000], False
    assert (fetch(reference(), tmp_path, hub.address).folder / "model.safetensors").read_bytes() == WEIGHTS


def test_a_part_that_is_too_long_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    scratch = reference().home(tmp_path) / f".{hub.commit}.part"
    scratch.mkdir(parents=True)
    (scratch / "model.safetensors.part").write_bytes(WEIGHTS + b"!")
    assert (fetch(reference(), tmp_path, hub.address).folder / "model.safetensors").read_bytes() == WEIGHTS


def test_a_whole_part_is_only_checked(hub: Hub, tmp_path: Path) -> None:
    scratch = reference().home(tmp_path) / f".{hub.commit}.part"
    scratch.mkdir(parents=True)
    (scratch / "model.safetensors.part").write_bytes(WEIGHTS)
    fetch(reference(), tmp_path, hub.address)
    assert not any(path.startswith("/cdn/") for path, _ in hub.downloads())


def test_a_busy_hub_is_asked_again(hub: Hub, tmp_path: Path) -> None:
    hub.busy = 2
    assert fetch(reference(), tmp_path, hub.address).commit == hub.commit


def test_a_snapshot_that_lost_a_file_is_fetched_anew(hub: Hub, tmp_path: Path) -> None:
    first = fetch(reference(), tmp_path, hub.address)
    (first.folder / "model.safetensors").unlink()
    assert snapshots(tmp_path) == []
    assert fetch(reference(hub.commit), tmp_path, hub.address) == first
    assert (first.folder / "model.safetensors").read_bytes() == WEIGHTS


# --- changed on the way


def test_weights_with_another_checksum_are_thrown_away(hub: Hub, tmp_path: Path) -> None:
    hub.flips = True
    assert "model.safetensors arrived with another sha256" in refusal(hub, tmp_path, DataError)
    assert not any(name.endswith((".safetensors", ".part")) for name in files_in(tmp_path))
    hub.flips = False
    assert fetch(reference(), tmp_path, hub.address).commit == hub.commit


def test_a_wrong_beginning_that_is_gone_on_with_is_found_out(hub: Hub, tmp_path: Path) -> None:
    scratch = reference().home(tmp_path) / f".{hub.commit}.part"
    scratch.mkdir(parents=True)
    (scratch / "model.safetensors.part").write_bytes(b"?" * 1000)
    assert "another sha256" in refusal(hub, tmp_path, DataError)


def test_a_small_file_is_checked_by_its_git_blob(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = hub.listing(ID)
    hub.models[ID]["config.json"] = CONFIG.replace(b"relu", b"gelu")
    monkeypatch.setattr(Hub, "listing", lambda self, model: described)
    assert "config.json arrived with another git blob id" in refusal(hub, tmp_path, DataError)


def test_a_file_longer_than_listed_is_refused(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = hub.listing(ID)
    hub.models[ID]["model.safetensors"] += b"more"
    monkeypatch.setattr(Hub, "listing", lambda self, model: described)
    assert "more than the 300000 bytes listed" in refusal(hub, tmp_path, SourceUnavailable)


# --- refused before anything is downloaded


def nothing_was_downloaded(hub: Hub, folder: Path) -> bool:
    return hub.downloads() == [] and files_in(folder) == set()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights/model.ckpt", "flax_model.msgpack"])
def test_a_model_with_only_pickled_weights_is_refused(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.models[ID] = {"config.json": CONFIG, name: b"a pickle"}
    assert "only pickled weights" in refusal(hub, tmp_path, ModelError)
    assert nothing_was_downloaded(hub, tmp_path)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_model_that_lacks_what_is_needed_is_refused(hub: Hub, tmp_path: Path, missing: str) -> None:
    hub.models[ID] = {name: FILES[name] for name in ("config.json", "model.safetensors") if name != missing}
    assert "lacks config.json or model.safetensors" in refusal(hub, tmp_path, ModelError)
    assert nothing_was_downloaded(hub, tmp_path)


@pytest.mark.parametrize(
    "name", ["../../evil.safetensors", "/etc/config.json", "a/../../config.json", "..\\model.safetensors", "a\nb"]
)
def test_a_listing_that_leaves_the_model_is_refused_whole(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.listed_besides = [{"rfilename": name, "size": 1}]
    assert "a file outside the model" in refusal(hub, tmp_path, DataError)
    assert nothing_was_downloaded(hub, tmp_path)


@pytest.mark.parametrize("sha", ["main", "../../x", "", None, 7])
def test_a_commit_that_is_none_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sha: object
) -> None:
    described = hub.listing(ID) | {"sha": sha}
    monkeypatch.setattr(Hub, "listing", lambda self, model: described)
    assert "can't be used" in refusal(hub, tmp_path, DataError)
    assert nothing_was_downloaded(hub, tmp_path)


def test_another_commit_than_the_one_pinned_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = hub.listing(ID) | {"sha": "0" * 40}
    monkeypatch.setattr(Hub, "listing", lambda self, model: described)
    assert "gives commit 0000" in refusal(hub, tmp_path, DataError, reference(hub.commit))


def test_weights_whose_checksum_is_not_listed_are_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = hub.listing(ID)
    for entry in described["siblings"]:
        entry.pop("lfs", None)
    monkeypatch.setattr(Hub, "listing", lambda self, model: described)
    assert "lists no sha256 of model.safetensors" in refusal(hub, tmp_path, DataError)


def test_a_model_of_another_kind_is_refused_before_its_weights(hub: Hub, tmp_path: Path) -> None:
    hub.models[ID]["config.json"] = b'{"architectures": ["LlamaForCausalLM"]}'
    assert f"{ID} is no Chronos model" in refusal(hub, tmp_path, ModelError)
    assert [path.rsplit("/", 1)[-1] for path, _ in hub.downloads()] == ["config.json"]
    assert files_in(tmp_path) == set()


def test_a_model_that_is_too_large_is_refused(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGEST", len(WEIGHTS))
    assert "more than" in refusal(hub, tmp_path, UsageError)
    assert nothing_was_downloaded(hub, tmp_path)


def test_without_room_on_the_disk_nothing_is_begun(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SPARE", 10**18)
    assert "MB are free" in refusal(hub, tmp_path, CannotWrite)
    assert nothing_was_downloaded(hub, tmp_path)


def test_a_model_or_revision_that_the_hub_does_not_know_is_a_wrong_name(hub: Hub, tmp_path: Path) -> None:
    assert "has no amazon/chronos-bolt-tiny@v9" in refusal(hub, tmp_path, UsageError, reference("v9"))
    said = refusal(hub, tmp_path, UsageError, reference(of="amazon/nothing"))
    assert "HTTP 401" in said
    assert "does not exist, is private or gated" in said


def test_a_gated_model_is_refused_with_the_way_out(hub: Hub, tmp_path: Path) -> None:
    hub.gated = (ID,)
    said = refusal(hub, tmp_path, UsageError)
    assert "HTTP 403" in said
    assert "set chronos_model to its directory" in said


def test_a_file_that_vanished_between_listing_and_download_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.listed_besides = [{"rfilename": "generation_config.json", "size": 3}]
    assert "no generation_config.json" in refusal(hub, tmp_path, UsageError)


def test_a_hub_that_is_silent_is_named_by_its_host(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"the hub \(127\.0\.0\.1:1\) did not give amazon/chronos-bolt-tiny"):
        fetch(reference(), tmp_path, "http://127.0.0.1:1")


def test_while_it_is_being_fetched_another_fetch_is_refused(hub: Hub, tmp_path: Path) -> None:
    with writer_lock(reference().home(tmp_path), 0):
        refusal(hub, tmp_path, LockBusy)
    assert hub.downloads() == []


def test_where_nothing_may_be_written_it_says_so(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("a file is in the way")
    with pytest.raises(CannotWrite):
        fetch(reference(), tmp_path, hub.address)
    assert stat.S_ISREG((tmp_path / "hub").stat().st_mode)


# --- names


def test_a_listing_can_be_had_without_downloading(hub: Hub) -> None:
    commit, files = listing(reference(), hub.address)
    assert (commit, [(file.name, file.size) for file in files]) == (
        hub.commit,
        [("config.json", len(CONFIG)), ("model.safetensors", len(WEIGHTS))],
    )
    assert hub.downloads() == []


@pytest.mark.parametrize(
    "text", ["mini", "/srv/models/a", "a/b/c", "../b", "a/..", "a/b@", "a b/c", "", "a/b@c@d", "a/b@x/../y", "./a"]
)
def test_what_is_no_model_of_a_hub_is_refused(text: str) -> None:
    assert Reference.of(text) is None
    with pytest.raises(UsageError, match="names no model of a hub"):
        asked_for(text)


def test_a_revision_is_said_once() -> None:
    assert asked_for("a/b@main") == asked_for("a/b", "main") == Reference("a", "b", "main")
    assert asked_for("a/b") == Reference("a", "b")
    with pytest.raises(UsageError):
        asked_for("a/b@main", "main")
    with pytest.raises(UsageError, match="is no revision"):
        asked_for("a/b", "../x")


def test_a_snapshot_with_a_file_of_another_size_is_none(hub: Hub, tmp_path: Path) -> None:
    found = fetch(reference(), tmp_path, hub.address)
    (found.folder / "model.safetensors").write_bytes(WEIGHTS[:-1])
    assert snapshots(tmp_path) == []


@pytest.mark.parametrize("damage", ["", "[]", "{}", "null", '{"id": 1, "commit": 2, "bytes": 3, "files": 4}'])
def test_a_damaged_manifest_is_no_snapshot(hub: Hub, tmp_path: Path, damage: str) -> None:
    found = fetch(reference(), tmp_path, hub.address)
    (found.folder / "manifest.json").write_text(damage)
    assert snapshots(tmp_path) == []
