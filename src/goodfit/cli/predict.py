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
from goodfit.predict import Model, Prediction, run_with_model
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
@workspace_option
@json_option
def predict_verb(reference: str, texts: tuple[str, ...], workspace: Path, as_json: bool, **files: Any) -> None:  # noqa: FBT001
    """Prints or writes the predictions."""
    file, out, force = files["file"], files["out"], files["force"]

    def work() -> Answer:
        if bool(texts) == (file is not None):
            raise UserError("give texts, or --file with --out", fix='goodfit predict last "some text"')
        if (file is None) != (out is None):
            raise UserError("--file and --out go together", fix="--file in.csv --out out.parquet")
        if out is not None and out.exists() and not force:
            raise UserError(f"{out} is there already", fix="--force writes over it")
        model = Model.load(where(reference, workspace))
        if file is not None and out is not None:
            return _file(model, file, out)
        return _texts(model.predict(_given(texts)))

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


def _file(model: Model, file: Path, out: Path) -> Answer:
    screen = screen_for(quiet=False)

    def tell(done: float, total: float | None) -> None:
        if screen is not None:
            screen.progress("predicting", done, total)

    try:
        written = model.predict_file(file, out, on_progress=tell)
    finally:
        if screen is not None:
            screen.close()
    lines = [f"{written.rows:,} rows: {out}", *(f"  {n:,} not answered: {reason}" for reason, n in written.not_answered.items())]
    return Answer(written.to_json(), "\n".join(lines))


def _texts(predictions: list[Prediction | Reply]) -> Answer:
    return Answer({"predictions": [p.to_json() for p in predictions]}, "\n".join(map(_line, predictions)))


def _line(prediction: Prediction | Reply) -> str:
    """`billing 97.1%  bug 2.0%`; of several labels those given before a bar: `billing 91.0%, bug 72.5% | praise 8.1%`."""
    if prediction.reason is not None:
        return f"not answered: {prediction.reason}"
    if isinstance(prediction, Reply):
        return "\n".join(visible(line, 10_000) for line in (prediction.text or "").split("\n")) + ("" if prediction.stopped else " […]")
    ranked = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])
    shown = {label: f"{visible(label)} {100 * p:.1f}%" for label, p in ranked}
    if prediction.label is not None:
        return "  ".join(list(shown.values())[:SHOWN])
    given = ", ".join(text for label, text in shown.items() if label in prediction.labels) or "none"
    return " | ".join(filter(None, [given, ", ".join([text for label, text in shown.items() if label not in prediction.labels][:SHOWN])]))


COMMANDS = {"predict": predict_verb}
