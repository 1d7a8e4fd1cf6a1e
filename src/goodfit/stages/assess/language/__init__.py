"""Assessing models that write: what they find likelier, whom they answer with, whom a pronoun means. Part of assess.

plan.py      what will be asked, before it is           stage.py     everything, and its files
asking.py    likelihoods of model and base model        probes.py    the published sets as things to ask
measure.py   scores, changes, answers                   findings.py  what is said of it
"""

from goodfit.stages.assess.language.plan import asks_language, check_language_suites, planned_language
from goodfit.stages.assess.language.stage import assess_language

__all__ = ["asks_language", "assess_language", "check_language_suites", "planned_language"]
