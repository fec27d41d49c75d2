"""Finds what is left in English on a page in Chinese."""

import re
from html.parser import HTMLParser

_NAMES = """
Reelay Tencent Cloud Python OpenAI Node MPS VOD Axes Mac
API COS CORS CSV HTTP HTTPS ID IP JPEG JSON KB GB LDAP MB MOV MP4 PNG QR REST SDK TOTP URL UTC CNY
SecretId SecretKey SubAppId Control Command Enter Esc curl English en zh-hans
"""
NAMES = frozenset(_NAMES.split())
"""Products, standards, units, keys and languages, which are called the same in Chinese sentences."""
SILENT = frozenset({"script", "style", "code", "pre", "svg", "kbd", "samp"})
_SILENT_CLASSES = frozenset({"mono", "material-symbols-outlined"})
"""Ids, and the names of icons in the font of icons."""
_VOIDS = "area base br col embed hr img input link meta source wbr"
_VOID = frozenset(_VOIDS.split())
"""Elements without an end."""
_READ_OUT = ("aria-label", "title", "alt", "placeholder")
"""Attributes whose text people read or hear."""
_WORD = re.compile(r"[A-Za-z]+(?:['_-][A-Za-z]+)*")
_ADDRESSES = r"https?://\S*|\S+@\S+|qcs::\S+|[A-Z][a-z]+/[A-Z][a-z]+|[A-Za-z0-9.-]+\.[a-z]{2,}"
_IDS = r"task_\w+|[A-Za-z-]*\d[\w-]*|rly_\w+|\S*\*{3}\S*|\{\w+\}|ap-[a-z]+|name-appid|camera_control"
_NOT_WORDS = re.compile(f"{_ADDRESSES}|{_IDS}")
"""Addresses, time zones, ids, versions, place-holders, and codes that examples name."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        is_silent = self._is_silent or _is_marked(tag, given)
        if not is_silent:
            self.texts += [given[name] for name in _READ_OUT if name in given]
        if tag not in _VOID:
            self._silent.append(is_silent)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and self._silent:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._is_silent:
            self.texts.append(data)

    @property
    def _is_silent(self) -> bool:
        return bool(self._silent) and self._silent[-1]


def _is_marked(tag: str, given: dict[str, str]) -> bool:
    """Whether an element holds code, a name, or text whose language is given."""
    if tag in SILENT or given.get("translate") == "no":
        return True
    has_language = tag != "html" and "lang" in given
    return has_language or not _SILENT_CLASSES.isdisjoint(given.get("class", "").split())


def english_in(page: str, names: frozenset[str] = frozenset()) -> list[str]:
    """The texts of a page that hold English words besides `NAMES` and these names, each once."""
    reader = _Reader()
    reader.feed(page)
    texts = (" ".join(text.split()) for text in reader.texts)
    return [text for text in dict.fromkeys(texts) if _words(text) - NAMES - names]


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(_NOT_WORDS.sub(" ", text)) if len(word) > 1}
