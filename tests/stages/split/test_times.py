"""Times: every common way to write one, ambiguity refused, the line of what cannot be read."""

from __future__ import annotations

import pyarrow as pa
import pytest

from goodfit.errors import DataError
from goodfit.stages.split.times import parse_times


def parse(*texts: str) -> list[int]:
    chunks = [list(texts[:2]), list(texts[2:])] if len(texts) > 2 else [list(texts)]
    places = pa.chunked_array([[f"a.csv:{i + 2}" for i in range(len(texts))]])
    return parse_times(pa.chunked_array(chunks, pa.string()), places, "when").tolist()


ORDERED = {
    "iso dates": ("2019-12-31", "2020-01-01", "2020-02-29"),
    "iso with clock and zones": ("2020-01-01T00:30:00+02:00", "2019-12-31T23:00:00Z", "2020-01-01 00:00", "2020-01-01 00:00:00.5"),
    "utc written out": ("2020-01-01 09:00:00 UTC", "2020-01-01 10:00:00 UTC"),
    "unix seconds": ("1577836800", "1577836800.25", "1577836801"),
    "unix milliseconds": ("1577836800000", "1577836800001"),
    "years": ("1999", "2000", "2024"),
    "compact dates": ("20191231", "20200101"),
    "year and month": ("2019-12", "2020-01"),
    "slashes, year first": ("2019/12/31", "2020/01/01"),
    "day first, by dots": ("31.12.2019", "1.1.2020", "02.01.2020"),
    "day first, known by a 31": ("31/12/2019", "01/02/2020", "02/02/2020"),
    "month first, known by a 31": ("12/31/2019", "01/31/2020", "02/01/2020"),
    "months by name": ("31 Dec 2019", "1 Jan 2020"),
    "american": ("December 31, 2019", "Jan 1, 2020"),
    "short years": ("31-Dec-99", "1-Jan-00"),
    "ctime": ("Tue Dec 31 23:00:00 2019", "Wed Jan 01 00:00:00 2020"),
    "with a clock": ("31.12.2019 23:59", "01.01.2020 00:00"),
}


@pytest.mark.parametrize("name", ORDERED)
def test_every_common_way_is_read_in_order(name: str) -> None:
    times = parse(*ORDERED[name])
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_a_time_without_a_zone_counts_as_utc() -> None:
    assert parse("2020-01-01", "2020-01-01T00:00:00Z") == [1577836800 * 10**6] * 2


def test_what_cannot_be_read_is_named_with_its_line() -> None:
    with pytest.raises(DataError, match=r"a\.csv:4: column 'when' holds 'last week'") as caught:
        parse("2020-01-01", "2020-01-02", "last week", "2020-01-03")
    assert "2026-05-01" in str(caught.value.fix)
    with pytest.raises(DataError, match=r"31\.02\.2020"):
        parse("01.01.2020", "31.02.2020")


def test_day_or_month_first_is_not_guessed() -> None:
    with pytest.raises(DataError, match="ambiguous"):
        parse("01/02/2020", "02/01/2020")
    assert len(parse("01/01/2020", "02/02/2020")) == 2  # the same order either way
