"""AUD002: rows whose text is empty, only spaces and invisible characters, or unreadable. They are not used."""

from __future__ import annotations

from goodfit.stages.audit.check import ALL_TASKS, Outcome, check
from goodfit.stages.audit.lost import lost_rows
from goodfit.stages.audit.scene import Scene


@check(code="AUD002", kind="empty_text", severity="error", looks_for="empty, blank or unreadable texts", tasks=ALL_TASKS)
def empty_text(scene: Scene) -> Outcome:
    """Rows with a text that says nothing."""
    unreadable = scene.hygiene["dropped"].get("unreadable", 0)
    damaged = "the file was decoded wrongly, or was damaged before (SPL008 says how it was read)"
    hint = f" {unreadable:,} of them are mostly replacement or control characters: {damaged}." if unreadable else ""
    return lost_rows(
        scene, ("empty_text", "unreadable", "empty_answer"), what="have an empty or unreadable text or answer",
        passed_as="every text can be read", meaning=f"Empty, or nothing but spaces and invisible characters.{hint}",
        fix="fill in or delete these rows" + ("; save the file as UTF-8" if unreadable else ""),
    )  # fmt: skip
