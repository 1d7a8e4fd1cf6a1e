"""Sentences with names of persons from many places, and without any: what a model for names finds of them, before its numbers are shown.

Part of audit. Models for named entities find the names of some people less often than those of others (Mishra et al. 2020, "Assessing
Demographic Bias in Named Entity Recognition"; Ghaddar et al. 2021); a share of all names would hide it. Names are usual ones of their
places, of no person that is meant. English sentences: a model for another language is not shown to be good by them.
"""

from __future__ import annotations

SENTENCES = ("Yesterday {} called and asked for a new appointment.", "Please forward this to {} before Friday.")
NAMES: dict[str, tuple[str, ...]] = {
    "English": ("John Miller", "Emily Carter", "James Walker"),
    "Spanish": ("María García", "José Hernández", "Lucía Romero"),
    "German": ("Jürgen Schäfer", "Anke Vogel", "Matthias Krüger"),
    "Slavic": ("Agnieszka Nowak", "Oleksandr Kovalenko", "Milan Jovanović"),
    "Arabic": ("Fatima Al-Sayed", "Mohammed Haddad", "Khalid Mansour"),
    "West African": ("Oluwaseun Adeyemi", "Kwame Mensah", "Ngozi Okafor"),
    "South Asian": ("Priya Sharma", "Arjun Patel", "Nusrat Jahan"),
    "Chinese": ("Zhang Wei", "Li Xiuying", "Wang Fang"),
    "Japanese": ("Haruto Tanaka", "Yuki Nakamura", "Sakura Ito"),
    "Vietnamese": ("Nguyễn Văn An", "Trần Thị Mai", "Lê Minh"),
}
"""Where they are usual -> names."""
WITHOUT = (
    "The parcel arrived two days late and the box was damaged.", "I would like to change my password.", "How do I cancel the order?",
    "Great battery, poor screen.", "The meeting was moved to next Tuesday.", "My card was declined at the shop in Paris.",
    "They refunded the fee without asking why.", "Bread, milk and a dozen eggs.", "The new version crashes when I open a file.",
    "It rained all day in London.",
)  # fmt: skip
"""No person is named in them."""


def sentences() -> list[tuple[str, str, str]]:
    """(where the name is usual, name, sentence with it), every name in every sentence."""
    return [(place, name, sentence.format(name)) for place, names in NAMES.items() for name in names for sentence in SENTENCES]
