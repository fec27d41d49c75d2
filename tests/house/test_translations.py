"""Every sentence of the pages is translated, and the compiled catalogue is current."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib
import pytest
from django.utils.translation.template import templatize

from tests.house.test_architecture import ROOT, SOURCES

CATALOGUE = ROOT / "config" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django"
_ONE, _TWO, _AFTER_CONTEXT = slice(1), slice(2), slice(1, 2)
_SENTENCES_OF = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), _ONE),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), _TWO),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), _AFTER_CONTEXT),
}
"""Positions of sentences among the arguments of each function."""
_IN_TEMPLATES = re.compile(
    r"""\b(?:gettext|ngettext|_)\(\s*u?(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
)
_FORMATTED = re.compile(r"%\((\w+)\)[sd]|%[sd]")


def _of_source(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        texts = node.args[_SENTENCES_OF.get(name, slice(0))]
        yield from (
            text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)
        )


def _of_template(path: Path) -> Iterator[str]:
    for found in _IN_TEMPLATES.finditer(templatize(path.read_text(), origin=str(path))):
        yield ast.literal_eval(found["text"])


def _sentences() -> dict[str, Path]:
    """Every sentence of our sources and templates, and where it is."""
    templates = (path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".svg", ".txt"))
    return {
        **{text: path for path in SOURCES for text in _of_source(path)},
        **{text: path for path in templates for text in _of_template(path)},
    }


@pytest.fixture(scope="module")
def written() -> polib.POFile:
    return polib.pofile(str(CATALOGUE.with_suffix(".po")))


def test_every_sentence_is_translated(written: polib.POFile) -> None:
    translated = [entry for entry in written if entry.translated() and not entry.obsolete]
    known = {text for entry in translated for text in (entry.msgid, entry.msgid_plural)}
    missing = {text: str(path.relative_to(ROOT)) for text, path in _sentences().items() if text not in known}
    assert not missing, "make messages, and translate what is new"


def test_no_translation_is_fuzzy_missing_or_obsolete(written: polib.POFile) -> None:
    assert not [entry.msgid for entry in written.fuzzy_entries()]
    assert not [entry.msgid for entry in written.untranslated_entries()]
    assert not [entry.msgid for entry in written.obsolete_entries()]


def test_a_translation_has_the_placeholders_of_its_sentence(written: polib.POFile) -> None:
    for entry in written:
        for text in [entry.msgstr] if entry.msgstr else entry.msgstr_plural.values():
            asked = set(_FORMATTED.findall(entry.msgid_plural or entry.msgid))
            assert set(_FORMATTED.findall(text)) == asked, entry.msgid


def test_the_compiled_file_matches_the_source(written: polib.POFile) -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        loaded = gettext.GNUTranslations(file)
    for entry in written:
        if entry.msgid_plural:
            assert loaded.ngettext(entry.msgid, entry.msgid_plural, 2) == entry.msgstr_plural[0]
        elif entry.msgctxt:
            assert loaded.pgettext(entry.msgctxt, entry.msgid) == entry.msgstr, "make messages"
        else:
            assert loaded.gettext(entry.msgid) == entry.msgstr, "make messages"


# --- the glossary


class Term(NamedTuple):
    """A row of `docs/glossary.md`."""

    english: str
    chinese: str
    retired: tuple[str, ...]


def _terms() -> Iterator[Term]:
    for line in (ROOT / "docs" / "glossary.md").read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| English"):
            english, chinese, _meaning, retired = (cell.strip() for cell in line.strip("|").split("|"))
            yield Term(english, chinese, tuple(filter(None, retired.split(", "))))


def test_a_term_of_the_glossary_has_one_name_in_each_language(written: polib.POFile) -> None:
    chinese = {entry.msgid: entry.msgstr for entry in written if not entry.msgctxt}
    for term in _terms():
        for form in (term.english, term.english.lower()):
            assert chinese.get(form, term.chinese) == term.chinese, form


def test_no_page_uses_a_word_that_the_glossary_retired(written: polib.POFile) -> None:
    retired = {word for term in _terms() for word in term.retired if not word.isascii()}
    assert len(retired) > 5
    for entry in written:
        for text in (entry.msgstr, *entry.msgstr_plural.values()):
            assert not [word for word in retired if word in text], entry.msgid


_BETWEEN_HAN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef] +[\u4e00-\u9fff]")


def test_no_translation_has_a_space_between_two_characters_of_chinese(written: polib.POFile) -> None:
    for entry in written:
        for text in (entry.msgstr, *entry.msgstr_plural.values()):
            assert not _BETWEEN_HAN.search(text), text


RETIRED_SENTENCES = (
    *("What is not to be seen", "Shape", "As the provider chooses", "Must not cost more than", "Persons"),
    *("As a program would ask", "Its effect on the limits", "In short", "Upstream's word", "Look now"),
    *("Requested through the form", "Mark as handled", "Again, with changes", "What is stuck", "Works"),
    *("Capture", "Set aside", "Released", "Corrected", "Paid in", "Make the video", "What would come of it"),
)
"""Labels that named a thing in other words than the field uses."""


def test_no_page_has_a_retired_label() -> None:
    assert not set(RETIRED_SENTENCES) & _sentences().keys()
