"""Which tokens a language model learns: the answers and the tokens that end them, by the template and never by token ids.

`mark` tokenises a conversation and marks what is learned, `prompt_ids` gives what generation starts from, `stop_token_ids` where it stops.
"""

from goodfit.tasks.masks.facts import MaskError, control_tokens
from goodfit.tasks.masks.lengths import chunks, fits
from goodfit.tasks.masks.marked import Marked, adds_bos, mark, prompt_ids, stop_token_ids

__all__ = ["MaskError", "Marked", "adds_bos", "chunks", "control_tokens", "fits", "mark", "prompt_ids", "stop_token_ids"]
