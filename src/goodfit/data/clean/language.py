"""Which language a text is in: py3langid (BSD-3, 139 languages, a model of 5 MB inside its package), with what it cannot know left out.

Layer: data. It scores sequences of bytes by naive Bayes and says how sure it is; `zxx`, what is no language (numbers, markup), and a
text that is too short or not sure have no code here. Languages that are told apart by a few words only are one family: a text in the
other one is never called wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LOOKED_AT = 200
"""Characters of a text that are looked at."""
LEAST_LETTERS = 20
"""Letters (a sign of Chinese, Japanese or Korean counts for three) without which nothing is said."""
SURE = 0.9
_NOT_TEXT = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+|&\w+;|<[^<>]{0,200}>|\d+")
_SIGNS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_FAMILIES = (
    "no nn da sv", "hr bs sr sl", "cs sk", "ms id jv ace", "gl pt es ext ast", "en pcm", "af nl fy li", "ru be uk bg mk", "fa ps sdh uzs",
    "ar ary arz", "hi mr ne sa gom", "zh wuu yue", "ca oc es", "it vec lij co", "ht gcf gcr fr", "fr wa oc", "de lb nds", "tr az tk crh",
    "zu xh nso st tn", "rw rn lg", "el grc", "he hbo", "tl bcl", "fi et", "lv ltg", "kk ky tt ba", "ln sw", "es gn gug qu",
)  # fmt: skip
FAMILIES = tuple(frozenset(family.split()) for family in _FAMILIES)
_NAMES = (
    "af Afrikaans,am Amharic,ar Arabic,arz Egyptian Arabic,ary Moroccan Arabic,as Assamese,az Azerbaijani,be Belarusian,bg Bulgarian,"
    "bn Bengali,br Breton,bs Bosnian,ca Catalan,cs Czech,cy Welsh,da Danish,de German,el Greek,en English,eo Esperanto,es Spanish,"
    "et Estonian,eu Basque,fa Persian,fi Finnish,fo Faroese,fr French,fy Frisian,ga Irish,gd Scottish Gaelic,gl Galician,gu Gujarati,"
    "ha Hausa,he Hebrew,hi Hindi,hr Croatian,ht Haitian,hu Hungarian,hy Armenian,id Indonesian,ig Igbo,is Icelandic,it Italian,"
    "ja Japanese,jv Javanese,ka Georgian,kk Kazakh,km Khmer,kn Kannada,ko Korean,ku Kurdish,ky Kyrgyz,la Latin,lb Luxembourgish,lo Lao,"
    "lt Lithuanian,lv Latvian,mg Malagasy,mk Macedonian,ml Malayalam,mn Mongolian,mr Marathi,ms Malay,mt Maltese,my Burmese,ne Nepali,"
    "nl Dutch,nn Nynorsk,no Norwegian,pa Punjabi,pcm Nigerian Pidgin,pl Polish,ps Pashto,pt Portuguese,ro Romanian,ru Russian,"
    "rw Kinyarwanda,sa Sanskrit,si Sinhala,sk Slovak,sl Slovene,sn Shona,so Somali,sq Albanian,sr Serbian,sv Swedish,sw Swahili,ta Tamil,"
    "te Telugu,tg Tajik,th Thai,tk Turkmen,tl Tagalog,tr Turkish,tt Tatar,ug Uyghur,uk Ukrainian,ur Urdu,uz Uzbek,vi Vietnamese,xh Xhosa,"
    "yo Yoruba,yue Cantonese,zh Chinese,zu Zulu"
)
NAMES: dict[str, str] = dict(pair.split(" ", 1) for pair in _NAMES.split(","))


class Identified(NamedTuple):
    """The likeliest language of a text."""

    code: str
    """As py3langid writes it (ISO 639); empty where nothing can be said."""
    probability: float


def identified(text: str) -> Identified:
    """The likeliest language of a text, and how likely; no code where it is too short, or no language."""
    plain = _NOT_TEXT.sub(" ", text[:LOOKED_AT])
    letters = sum(c.isalpha() for c in plain)
    if letters + 2 * len(_SIGNS.findall(plain)) < LEAST_LETTERS:
        return Identified("", 0.0)
    code, probability = _identifier().classify(plain)
    return Identified("" if code == "zxx" else str(code), float(probability))


def languages_of(texts: Sequence[str | None]) -> list[str]:
    """The language of each text where it is sure, else the empty text, [n]."""
    found = [identified(text or "") for text in texts]
    return [one.code if one.probability >= SURE else "" for one in found]


def kin(code: str) -> frozenset[str]:
    """The languages that are hardly told from this one, and itself."""
    return frozenset({code}).union(*(family for family in FAMILIES if code in family))


def name_of(code: str) -> str:
    """`German` for `de`; the code where it has no name here."""
    return NAMES.get(code, code)


def code_of(name: str) -> str | None:
    """`de` for `de`, `German` or `german`; None for what is no language here."""
    plain = name.strip().lower()
    return plain if plain in NAMES else next((code for code, known in NAMES.items() if known.lower() == plain), None)


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
