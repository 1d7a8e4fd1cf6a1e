"""One-word scripts; `reference` makes the pages that come from the code."""
