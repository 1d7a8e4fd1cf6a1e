"""fix: a cleaned copy of the user's data with a ledger row by row; never in place, and it can be undone.

Layer: data. Only what people decided is done (decisions.py), and exact duplicates where they are asked for.

    ledger    what was changed, why, and what stood there before
    changes   decisions -> what becomes of which record of which file
    cells     a label in the form in which the file writes labels
    texts     csv, tsv and jsonl: every other character stays as it is
    tables    parquet and Arrow: types stay
    objects   json; xlsx, folders of texts and the hub, which are written as csv or jsonl
    copy      the story: copy, read back, compare, put in place
    undo      copy and ledger -> the data as it was
"""
