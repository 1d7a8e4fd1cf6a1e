"""The data map as facts: how training rows were learned, and which of them audit suspects.

Part of the report stage (`collect` calls it). Reads train/datamap.parquet and audit/suspects.parquet.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from goodfit.run import DATAMAP, SUSPECTS
from goodfit.stages.report.folder import Folder
from goodfit.stages.report.schema_training import MapFacts, MapPoint
from goodfit.stages.report.text import name as readable

POINTS = 500
"""Rows that are drawn: every so manieth."""
HARD = 10
"""Rows that are named."""
COLUMNS = ["row", "label", "confidence", "variability", "region"]


def map_facts(folder: Folder) -> MapFacts | None:
    """What datamap.parquet says; None where there is none, or it cannot be read."""
    table = _read(folder, folder.path / "train" / DATAMAP, COLUMNS)
    if table is None or not table.num_rows:
        return None
    suspects = _read(folder, folder.path / "audit" / SUSPECTS, ["row", "flagged"])
    flagged = pa.array([], pa.string()) if suspects is None else suspects.filter(suspects["flagged"])["row"].combine_chunks()
    rows = table.append_column("suspect", pc.is_in(table["row"], value_set=flagged)).to_pylist()
    counts = Counter(str(row["region"]) for row in rows)
    hard = sorted((row for row in rows if row["region"] == "hard"), key=lambda row: row["confidence"])[:HARD]
    step = -(-len(rows) // POINTS)
    return MapFacts(
        rows=len(rows), regions={region: counts[region] for region in ("easy", "ambiguous", "hard") if counts[region]},
        suspects=sum(row["suspect"] for row in rows), suspects_hard=sum(row["suspect"] and row["region"] == "hard" for row in rows),
        points=[_point(row) for row in rows[::step]],
        hard=[(readable(row["row"]), readable(row["label"] or ""), float(row["confidence"]), bool(row["suspect"])) for row in hard],
    )  # fmt: skip


def _point(row: dict[str, Any]) -> MapPoint:
    return MapPoint(confidence=row["confidence"], variability=row["variability"], region=str(row["region"]), suspect=bool(row["suspect"]))


def _read(folder: Folder, path: Path, columns: list[str]) -> pa.Table | None:
    if not path.is_file():
        return None
    try:
        return pq.read_table(path, columns=columns)
    except (pa.ArrowInvalid, pa.ArrowKeyError, KeyError, OSError, ValueError):
        folder.damaged.setdefault("/".join(path.parts[-2:]), "not a parquet file of this version")
        return None
