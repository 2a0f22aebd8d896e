"""What a search leaves behind: the candidate's file, from which it loads back, and the runs for MLflow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from forex_core.backtest.promotion import Verdict
from forex_core.errors import ModelError
from forex_core.mlops.tuning_runs import Recorded
from forex_core.models.member import Member, parameters
from forex_core.models.search_space import restored
from forex_core.pipeline.tuning import Trial, Tuned
from forex_core.store.files import replace_durably


def keep(found: Tuned, pairs: Sequence[str], source: str, now: datetime, data_dir: Path) -> Path | None:
    """Write the candidate's file and return its path; None if there was no verdict. It changes no champion."""
    if found.verdict is None:
        return None
    task, best = found.task, found.best
    content = {
        "schema": 1,
        "created_at": now.isoformat(),
        "member": best.name,
        "revision": best.revision,
        "parameters": parameters(best),
        "today": parameters(task.member),
        "pairs": list(pairs),
        "source": source,
        "period": {"from": str(task.start), "to": str(task.end), "verdict_from": str(task.verdict_from)},
        "trials": len(found.trials),
        "said": found.said,
        "verdict": described(found.verdict),
    }
    path = data_dir / "models" / "candidates" / f"{now:%Y%m%d_%H%M%S}-{best.name}.json"
    replace_durably(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    return path


def candidate(path: Path, known: Mapping[str, Member]) -> Member:
    """The member of a candidate's file, as one of `known` with its parameters; ModelError if it can't be used."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return restored(known[said["member"]], said["revision"], said["parameters"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path} is no candidate that can be used: {error}") from error


def described(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON has it."""
    dates = {"first": str(verdict.first), "last": str(verdict.last)}
    return asdict(verdict) | dates | {"failings": list(verdict.failings), "passes": not verdict.failings}


def as_runs(found: Tuned, pairs: Sequence[str], now: datetime) -> tuple[Recorded, list[Recorded]]:
    """The search and its trials as they are recorded in MLflow."""
    task, verdict = found.task, found.verdict
    params = {
        "member": task.member.name,
        "pairs": ", ".join(pairs),
        "from": task.start,
        "to": task.end,
        "verdict_from": task.verdict_from,
        "trials": len(found.trials),
        **{f"best_{name}": value for name, value in parameters(found.best).items()},
    }
    numbers = {name: getattr(verdict, name) for name in ("gain", "low", "high", "p", "origins")} if verdict else {}
    metrics = {name: float(value) for name, value in numbers.items() if value is not None}
    if verdict:
        metrics["passes"] = float(not verdict.failings)
        for percent, by_horizon in verdict.coverage.items():
            metrics |= {f"{key}_coverage_{percent}": held for key, held in by_horizon.items()}
    name = f"{task.member.name}_{now:%Y%m%d_%H%M%S}"
    search = Recorded(name, params, metrics, found.trials[0].started, now, found.said)
    return search, [_as_run(number, trial) for number, trial in enumerate(found.trials, start=1)]


def _as_run(number: int, trial: Trial) -> Recorded:
    metrics = {f"{key}_wql_ratio": value for key, value in trial.ratios.items()}
    if trial.loss is not None:
        metrics["wql_ratio"] = trial.loss
    status = "FINISHED" if trial.ratios else "FAILED"
    return Recorded(f"trial_{number}", trial.values, metrics, trial.started, trial.ended, status=status)
