"""What was written, measured: per-row measures of texts against their references, and the metrics made of them.

Part of tasks; no torch. Reading order: `words`, then the measures `overlap` (chrF, ROUGE-L, distinct n-grams), `matches` (exact, numeric,
pattern), `structure` (JSON, tool calls), `habits` (loops, refusals, lengths), `memorised` (runs of training words), and `metrics`, which
gives them names, intervals and paired comparisons. What each one means, and its traps: docs/why/generation-metrics.md.
"""
