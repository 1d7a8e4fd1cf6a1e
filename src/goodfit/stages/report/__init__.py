"""report: the run folder -> report.html, report.json and README.md (the model card). Reads the folder, nothing else.

The last line of the path. `collect` measures once, `render` and `card` show it; START HERE: collect.py.
"""

from goodfit.stages.report.card import card
from goodfit.stages.report.collect import collect
from goodfit.stages.report.render import html
from goodfit.stages.report.stage import Report, report
from goodfit.stages.report.write import write_report

__all__ = ["Report", "card", "collect", "html", "report", "write_report"]
