"""docs/reference/schemas/report.json from the code: `python scripts/report_schema.py --write`, and `--check`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from goodfit.stages.report.schema import json_schema

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "schemas" / "report.json"


def text() -> str:
    """The file's content."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Writes the file, or says whether it is as the code has it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text(), encoding="utf-8")
        return 0
    return 0 if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text() else 1


if __name__ == "__main__":
    sys.exit(main())
