"""Published sets that ask a language model about people, read in their original formats, and what their answers say.

bbq.py       questions under ambiguity (Parrish et al. 2022)     crows_pairs.py  pairs of sentences (Nangia et al. 2020)
winobias.py  pronouns (Zhao et al. 2018)                         stereoset.py    three continuations (Nadeem et al. 2021)
bold.py      beginnings of texts (Dhamala et al. 2021)
files.py     lines with their numbers                            drawing.py      a sample that keeps what belongs together

Layer: data. Nothing here knows a model: items come out, answers go in as arrays. Shapes: n items.
"""
