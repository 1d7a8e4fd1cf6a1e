"""audit: what is wrong with the data, before anything is trained. Second stage of the path; it never reads a test row.

stage.py     the story
check.py     @check: how a check is declared, and what it answers
checks/      one file per check: AUD001 …
scene.py     what a check may see
inside.py    what stands inside the texts, in one pass
surface.py   what a text looks like without reading it
lost.py      rows that could not be used
profile.py   the numbers for the report
"""

from goodfit.stages.audit.check import Check, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene
from goodfit.stages.audit.stage import Audit, audit

__all__ = ["Audit", "Check", "Outcome", "Scene", "audit", "check", "found", "not_applicable", "passed"]
