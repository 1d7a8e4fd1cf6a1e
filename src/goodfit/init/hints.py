"""What column names usually mean: the words by which `roles` guesses.

Layer: init; data only. A name is a hint, never a proof: what the values look like decides with it.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXT = _words(
    "text texts sentence sentences content body message msg review comment comments tweet post utterance query document doc abstract"
    " description article headline paragraph passage snippet transcript dialogue dialog conversation email mail sms narrative complaint"
    " feedback input sequence note notes tokens phrase statement claim news prompt question title subject summary reviewtext texte testo"
    " texto satz kommentar nachricht beschreibung inhalt frage case"
)
HEADING = _words("title subject headline heading topic_line betreff titel header caption")
BODY = _words("body text content description article abstract message review comment document post news inhalt beschreibung")
PAIRS: tuple[tuple[str, str], ...] = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("question1", "question2"), ("text1", "text2"),
    ("text_a", "text_b"), ("sentence_a", "sentence_b"), ("claim", "evidence"), ("query", "passage"), ("query", "document"),
    ("context", "question"), ("passage", "question"), ("question", "context"), ("prompt", "response"), ("prompt", "completion"),
    ("question", "answer"), ("parent", "comment"), ("text", "aspect"), ("sentence", "aspect"),
)  # fmt: skip
"""Two columns that are judged together, where there is a label beside them."""
NOT_TEXT = _words("templ template lemma clean cleaned normalized normalised tokenized masked ref reference url uri link path html id name")

LABEL = _words(
    "label labels category categories class classes intent intents sentiment target queue topic topics y tag tags emotion emotions stance"
    " polarity toxicity gold annotation annotations klasse kategorie etiqueta etiquette categoria classe classification outcome verdict"
    " is_spam spam ham sarcasm irony hate offensive toxic genre disposition department"
)
GENERIC_LABEL = _words("label labels class classes category target y gold outcome")
"""A column of 0 and 1 with such a name is the label; with another (toxic, insult) it may be one of several."""
WEAK_LABEL = _words("type rating ratings stars star score grade priority severity status kind code subject answer result decision group")
BEST_LABEL, GOOD_LABEL = _words("gold final true golden"), _words("majority maj consensus")
NOT_LABEL = _words(
    "id ids index idx uuid guid key number num no count cnt confidence trust prob probability logit annotator annotators worker rater"
    " writer user author name date time timestamp year month day url uri link lang language locale country region gender sex age split fold"
    " partition source domain length len words chars weight lat lon latitude longitude zip postcode price amount version unnamed hash"
    " retweet retweets likes favorites useful helpful votes"
)

GROUP = _words(
    "language lang locale country region state province city gender sex age agegroup age_group race ethnicity nationality religion dialect"
    " domain source channel platform product brand market site device identity ident demographic sprache land geschlecht segment tier plan"
    " corpus dataset genre"
)
BY: tuple[frozenset[str], ...] = (
    _words("customer user client patient author speaker writer account member person reviewer subject"),
    _words("document doc thread conversation dialogue dialog session article discussion case ticket story book file page movie"),
    _words("template templ prompt question passage url"),
    _words("group cluster product item company"),
)
"""What rows may share, the closest tie first."""
BY_STEMS = (
    "kunde",
    "klient",
    "client",
    "customer",
    "nutzer",
    "benutzer",
    "usuari",
    "utilisat",
    "utente",
    "patient",
    "pacient",
    "gebruiker",
    "cuenta",
)
"""Beginnings of words for a customer or patient in other languages and in compounds (Kundennr, idcliente)."""
ID = _words("id ids uuid guid key nr no number index idx hash")
TIME = _words("date time timestamp datetime created posted published updated received sent year day datum uhrzeit fecha")
SPLIT = _words("split partition subset fold set usage dataset")
SPLIT_VALUES = _words("train training valid validation val dev development test testing eval holdout")
