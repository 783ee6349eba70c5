"""The lists beside the page: one Parquet file for programs and one CSV file for spreadsheets, with the same rows.

Belongs here: how a list is written. Does not belong here: which rows it has.

CSV files start with a byte order mark, because Excel takes a file without one for the machine's old code page; Python
reads them as `utf-8-sig`. A text that a spreadsheet would run as a formula starts with an apostrophe there, and NUL,
which ends a file for some readers, is U+FFFD. The Parquet files hold every text as it is.
"""

from pathlib import Path
from typing import Final

import duckdb
import pyarrow.parquet as pq

from migration_pipeline.reports.report import ListFile
from migration_pipeline.staging.atomic import replacing
from migration_pipeline.staging.duck import quoted

FORMULA: Final = "^\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]"
"""What a spreadsheet may run: the signs that open a formula, their full-width twins, and what it may trim before them
(OWASP, CSV injection)."""

_BOM: Final = "\ufeff"


def write(connection: duckdb.DuckDBPyConnection, folder: Path, name: str, query: str) -> ListFile:
    """Write what the query gives, in its order, to `<name>.parquet` and `<name>.csv`.

    Raises:
        OSError: the disk is full or not writable; each file is whole, or as it was.
    """
    parquet = folder / f"{name}.parquet"
    with replacing(parquet) as aside:
        connection.execute(f"COPY ({query}) TO {quoted(str(aside))} (FORMAT parquet, COMPRESSION zstd)")
        rows = int(pq.read_metadata(aside).num_rows)
    columns = connection.execute(f"DESCRIBE FROM {quoted(str(parquet))}").fetchall()
    cells = ", ".join(
        f'{_cell(str(column), str(kind))} AS "{_BOM if first else ""}{column}"'
        for first, (column, kind, *_) in zip([True] + [False] * len(columns), columns, strict=False)
    )
    with replacing(folder / f"{name}.csv") as aside:
        connection.execute(
            f"COPY (SELECT {cells} FROM {quoted(str(parquet))}) TO {quoted(str(aside))} (FORMAT csv, HEADER true)"
        )
    return ListFile(name, rows)


def _cell(column: str, kind: str) -> str:
    """SQL of a column's value as a spreadsheet may safely open it."""
    if kind != "VARCHAR":
        return column
    text = f"replace({column}, chr(0), chr(65533))"
    return f"CASE WHEN regexp_matches({column}, {quoted(FORMULA)}) THEN '''' || {text} ELSE {text} END"
