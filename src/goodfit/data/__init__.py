"""Rows: read from any file, named by an id, kept in one memory-mapped store, and (for the test set) sealed.

Layer: data (after run, settings, statistics, stage; before models). `split` is the stage that uses most of it:

    discover(path) -> sources          what a path holds: one table, or given splits
    peek(path) -> Peek                 column names, kinds, a sample: for `init` and for errors
    open_store(sources, columns)       every row once, in an Arrow file in the cache, memory-mapped
    duplicate_groups, conflicts, ...   what is the same text, and what is no text
    Rows(store, assignment)            the rows by split; test rows only with the key of `Run.unseal`

Readers, one small file per format, stand in `readers/`.
"""

from goodfit.data.source import Columns, Source, read
from goodfit.data.store import RowStore, open_store

__all__ = ["Columns", "RowStore", "Source", "open_store", "read"]
