"""The lists of the staff console: each opens, in the theme, and asks the database little."""

import pytest

from tests.console import Person


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


def test_the_console_opens(sophie: Person) -> None:
    assert "/admin/videos/taskevent/" in sophie.see("/admin/")
