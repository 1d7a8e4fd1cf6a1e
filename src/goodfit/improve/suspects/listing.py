"""The suspects of a run: `audit/suspects.parquet`, every judged training row, most suspicious first. Part of suspects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from goodfit.errors import RunError
from goodfit.run import SUSPECTS, Run, digest

COLUMNS = ("row", "split", "label", "suggested", "suspicion", "probability", "stratum", "flagged")
STRATA = 4
"""0 the most suspicious 5% of the rows, 1 the next 10%, 2 the next 25%, 3 the rest."""


@dataclass(frozen=True)
class Suspect:
    """One row that audit judged."""

    row: str
    label: str
    """As given; where rows have several labels, the one concerned."""
    suggested: str
    probability: float
    """Of what is suggested."""
    stratum: int
    flagged: bool
    rank: int
    """1 for the most suspicious."""


class Suspects:
    """The judged rows, most suspicious first; a row once."""

    def __init__(self, table: pa.Table, fingerprint: str) -> None:
        self.table = table
        self.fingerprint = fingerprint
        """`b2:…` of rows, strata and order."""
        self._place = {row: i for i, row in enumerate(table["row"].to_pylist())}

    @classmethod
    def of(cls, run: Run) -> Suspects:
        """Reads them; RunError where audit has left none."""
        path = run.path / "audit" / SUSPECTS
        if not path.is_file():
            raise RunError(
                f"{run.id} has no suspects: audit judges the labels of classification data",
                fix=f"goodfit audit {run.id}; a review of what a model wrote is --of answers",
            )
        try:
            table = pq.read_table(path)
            table = table.select(list(COLUMNS)).filter(pc.not_equal(table["split"], "test"))
        except (pa.ArrowInvalid, KeyError, OSError) as error:
            raise RunError(
                f"{path} is damaged ({str(error).splitlines()[0][:120]})", fix="goodfit audit DATA --new makes it anew"
            ) from error
        rows = table["row"].to_numpy()
        first = np.zeros(len(rows), dtype=bool)
        first[np.unique(rows, return_index=True)[1]] = True
        table = table.filter(pa.array(first))
        if not table.num_rows:
            raise RunError(f"{run.id}: no training row was judged, so there is nothing to review", fix="goodfit show last audit says why")
        strata = table["stratum"].to_numpy().astype(int).tolist()
        return cls(table, digest([table["row"].to_pylist(), strata]))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def rows(self) -> list[str]:
        """Row ids, most suspicious first."""
        return list(self._place)

    @property
    def strata(self) -> npt.NDArray[np.int64]:
        """The stratum of every row, shape (n,)."""
        out: npt.NDArray[np.int64] = self.table["stratum"].to_numpy().astype(np.int64)
        return out

    def sizes(self) -> list[int]:
        """Rows per stratum."""
        return [int(n) for n in np.bincount(self.strata, minlength=STRATA)]

    def of_row(self, row: str) -> Suspect | None:
        """What is known of a row; None for one that was not judged."""
        place = self._place.get(row)
        if place is None:
            return None
        cells = {name: self.table[name][place].as_py() for name in COLUMNS}
        return Suspect(
            row=row, label=cells["label"] or "", suggested=cells["suggested"] or "", probability=float(cells["probability"] or 0.0),
            stratum=int(cells["stratum"]), flagged=bool(cells["flagged"]), rank=place + 1,
        )  # fmt: skip
