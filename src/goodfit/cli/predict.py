"""`goodfit predict RUN "a text"` and `goodfit predict RUN --file in.csv --out out.parquet`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from goodfit import run as runs
from goodfit.cli.envelope import Answer, answered, json_option, workspace_option
from goodfit.errors import UserError
from goodfit.monitor.screen import screen_for
from goodfit.monitor.words import visible
from goodfit.predict import Ask, Classifier, Model, Prediction, run_with_model
from goodfit.tasks.writer import Reply

SHOWN = 5
"""Labels printed for a text, the likeliest first."""


@click.command(
    "predict",
    help="Labels with probabilities for TEXTS (`-`: one a line from standard input), or for every row of --file (csv, tsv, jsonl, parquet; "
    "the answer likewise, with the columns of the file). RUN `last` is the newest run with a model.",
)
@click.argument("reference", metavar="RUN")
@click.argument("texts", nargs=-1)
@click.option(
    "--file", "-f", "file", type=click.Path(path_type=Path), help="Rows to predict, with the columns that the model was trained on."
)
@click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Where to write; the ending says the format.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--abstain-at",
    type=float,
    metavar="SHARE",
    help="Withhold answers that are not sure enough, so that at most this share of those given is wrong (0.05: 5%), a promise that "
    "holds with 95% confidence. Refused where validation rows do not allow it.",
)
@click.option(
    "--sets",
    type=float,
    metavar="SHARE",
    help="Beside the label a set of labels: this share of the sets holds the true one (0.9: nine of ten).",
)
@workspace_option
@json_option
def predict_verb(reference: str, texts: tuple[str, ...], workspace: Path, as_json: bool, **files: Any) -> None:  # noqa: FBT001
    """Prints or writes the predictions."""
    file, out, force = files["file"], files["out"], files["force"]
    ask = Ask(files["abstain_at"], files["sets"])

    def work() -> Answer:
        if bool(texts) == (file is not None):
            raise UserError("give texts, or --file with --out", fix='goodfit predict last "some text"')
        if (file is None) != (out is None):
            raise UserError("--file and --out go together", fix="--file in.csv --out out.parquet")
        if out is not None and out.exists() and not force:
            raise UserError(f"{out} is there already", fix="--force writes over it")
        model = Model.load(where(reference, workspace))
        more: dict[str, Any] = {} if ask == Ask() else {"ask": ask}
        if more and not isinstance(model, Classifier):
            raise UserError("--abstain-at and --sets are for classifiers; this model writes", fix="leave them out")
        if file is not None and out is not None:
            return _file(model, file, out, more)
        return _texts(model.predict(_given(texts), **more))

    answered("predict", work, as_json=as_json)


def where(reference: str, workspace: Path) -> Any:
    """A run, or any folder with a saved model in it."""
    folder = Path(reference)
    if folder.is_dir() and not (folder / runs.RECORD).is_file():
        return folder
    return run_with_model(workspace, reference)


def _given(texts: tuple[str, ...]) -> list[str]:
    """The texts; `-` alone means the lines of standard input."""
    if texts != ("-",):
        return list(texts)
    return [line.decode("utf-8", "replace").rstrip("\r\n") for line in sys.stdin.buffer]


def _file(model: Any, file: Path, out: Path, more: dict[str, Any]) -> Answer:
    with screen_for(quiet=False) as screen:

        def tell(done: float, total: float | None) -> None:
            if screen is not None:
                screen.progress("predicting", done, total)

        written = model.predict_file(file, out, on_progress=tell, **more)
    lines = [f"{written.rows:,} rows: {out}", *(f"  {n:,} not answered: {reason}" for reason, n in written.not_answered.items())]
    return Answer(written.to_json(), "\n".join(lines))


def _texts(predictions: list[Prediction | Reply]) -> Answer:
    return Answer({"predictions": [p.to_json() for p in predictions]}, "\n".join(map(_line, predictions)))


def _line(prediction: Prediction | Reply) -> str:
    """`billing 97.1%  bug 2.0%`; of several labels those given before a bar: `billing 91.0%, bug 72.5% | praise 8.1%`."""
    if prediction.reason is not None:
        likeliest = f" ({_ranked(prediction)})" if isinstance(prediction, Prediction) and prediction.probabilities else ""
        return f"not answered: {prediction.reason}{likeliest}{_set(prediction)}"
    if isinstance(prediction, Reply):
        return "\n".join(visible(line, 10_000) for line in (prediction.text or "").split("\n")) + ("" if prediction.stopped else " […]")
    shown = _shown(prediction)
    if prediction.label is not None:
        return _ranked(prediction) + _set(prediction)
    given = ", ".join(text for label, text in shown.items() if label in prediction.labels) or "none"
    others = ", ".join([text for label, text in shown.items() if label not in prediction.labels][:SHOWN])
    return " | ".join(filter(None, [given, others])) + _set(prediction)


def _shown(prediction: Prediction) -> dict[str, str]:
    """Label -> `billing 97.1%`, the likeliest first."""
    ranked = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])
    return {label: f"{visible(label)} {100 * p:.1f}%" for label, p in ranked}


def _ranked(prediction: Prediction) -> str:
    return "  ".join(list(_shown(prediction).values())[:SHOWN])


def _set(prediction: Prediction | Reply) -> str:
    """` {billing, bug}`, where sets are asked for."""
    if not isinstance(prediction, Prediction) or prediction.set is None:
        return ""
    return f"  {{{', '.join(map(visible, prediction.set))}}}"


COMMANDS = {"predict": predict_verb}
