"""Map the names of languages to the BCP 47 tags that records use."""

from __future__ import annotations

import re

_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")

_NAMES = {
    "af": "afrikaans afr",
    "ar": "arabic العربية ara",
    "az": "azerbaijani aze",
    "be": "belarusian bel",
    "bg": "bulgarian български bul",
    "bn": "bengali bangla ben",
    "ca": "catalan català cat",
    "cs": "czech čeština ces cze",
    "cy": "welsh cym wel",
    "da": "danish dansk dan",
    "de": "german deutsch deu ger",
    "el": "greek ελληνικά ell gre",
    "en": "english eng",
    "es": "spanish español castellano spa",
    "et": "estonian eesti est",
    "eu": "basque euskara eus baq",
    "fa": "persian farsi فارسی fas per",
    "fi": "finnish suomi fin",
    "fil": "filipino",
    "fr": "french français francais fra fre",
    "ga": "irish gle",
    "gl": "galician galego glg",
    "gu": "gujarati guj",
    "he": "hebrew עברית heb",
    "hi": "hindi हिन्दी hin",
    "hr": "croatian hrvatski hrv",
    "hu": "hungarian magyar hun",
    "hy": "armenian hye arm",
    "id": "indonesian ind",
    "is": "icelandic íslenska isl ice",
    "it": "italian italiano ita",
    "ja": "japanese 日本語 jpn",
    "ka": "georgian kat geo",
    "kk": "kazakh kaz",
    "km": "khmer khm",
    "kn": "kannada kan",
    "ko": "korean 한국어 kor",
    "la": "latin lat",
    "lo": "lao",
    "lt": "lithuanian lietuvių lit",
    "lv": "latvian latviešu lav",
    "mk": "macedonian mkd mac",
    "ml": "malayalam mal",
    "mn": "mongolian mon",
    "mr": "marathi mar",
    "ms": "malay msa may",
    "my": "burmese mya bur",
    "ne": "nepali nep",
    "nl": "dutch nederlands nld dut",
    "no": "norwegian norsk nor",
    "pa": "punjabi pan",
    "pl": "polish polski pol",
    "pt": "portuguese português portugues por",
    "ro": "romanian română ron rum",
    "ru": "russian русский rus",
    "si": "sinhala sin",
    "sk": "slovak slovenčina slk slo",
    "sl": "slovenian slovene slovenščina slv",
    "sq": "albanian sqi alb",
    "sr": "serbian српски srp",
    "sv": "swedish svenska swe",
    "sw": "swahili swa",
    "ta": "tamil tam",
    "te": "telugu tel",
    "th": "thai ไทย tha",
    "tr": "turkish türkçe tur",
    "uk": "ukrainian українська ukr",
    "ur": "urdu urd",
    "uz": "uzbek uzb",
    "vi": "vietnamese vie",
    "yo": "yoruba yor",
    "zh": "chinese mandarin 中文 zho chi",
    "zu": "zulu zul",
}

TAGS_BY_NAME = {name: tag for tag, names in _NAMES.items() for name in names.split()}
"""The tag for each name: in English, in the language itself, or a three-letter code."""


def tag_named(text: str) -> str | None:
    """Return the lower-case tag for a tag or a name; None if the text is neither."""
    written = text.strip().lower().replace("_", "-")
    first, hyphen, rest = written.partition("-")
    tag = f"{TAGS_BY_NAME.get(first, first)}{hyphen}{rest}"
    return tag if _TAG.fullmatch(tag) else None
