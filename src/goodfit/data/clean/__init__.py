"""What is wrong inside a text, whoever wrote it: damage, remains, noise, and what should not be there.

Layer: data. Pure functions of texts; audit asks them (AUD050 - AUD063), `data.mask` uses the last two.

damage.py     wrongly decoded, invisible and control characters
markup.py     HTML, BBCode, Markdown and escapes that were left over
gibberish.py  keyboard mash and repeated signs
repeated.py   lines and sentences that stand in many texts
language.py   which language a text is in
digits.py     check digits
identity.py   national identity numbers
personal.py   personal data: e-mail, phone, card, account, identity numbers, addresses of machines
secret.py     keys, tokens and passwords
mask.py       the same text with what is personal or secret replaced
"""
