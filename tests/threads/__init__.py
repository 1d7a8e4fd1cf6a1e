"""Threads of other tools' users, group by group (formats, masks, stopping, losses): each situation, and Goodfit's own clear answer to it.

Not here, because their subject is not built yet or takes other hardware:

| thread | why |
|---|---|
| trl#1236, unsloth#2055 (the loss of DPO is 0, that of ORPO doubles) | preference tuning is not built; such files are refused (test_formats) |
| trl#1173 (fp16 on V100: 0.0 after 23,000 steps) | there is no fp16 mode: bfloat16 or float32 (test_losses asks for it) |
| LF#5660 (gradient NaN on Windows with one card) | needs that card; the answer to NaN is in test_losses |
| trl#4104 and others, in as far as they count devices | needs several processes |
| autotrain-advanced#768 ("docs far from useful") | tests/test_docs.py holds the docs to the code |
| the page of a tool that maps one column, uploads that fail (autotrain-advanced#840, openai-cookbook#20) | as files, not as a page |
"""
