"""Screenshots of every page, wide and narrow, light and dark, in each language: `make screenshots`."""

from itertools import product

import pytest
from django.conf import settings

from tests.e2e.browser import DESKTOP, PHONE, SHOTS, browser
from tests.e2e.conftest import Site, furnished  # noqa: F401 - a fixture
from tests.e2e.test_tour import all_pages, log_in
from tests.support.pages import MEMBER, NOBODY, STAFF

LOOKS = list(product((DESKTOP, PHONE), ("light", "dark"), [code for code, _ in settings.LANGUAGES]))


@pytest.mark.parametrize("viewer", [NOBODY, MEMBER, STAFF])
def test_screenshots_of_every_page(viewer: str, furnished: Site) -> None:  # noqa: F811 - the fixture
    for width, scheme, language in LOOKS:
        folder = SHOTS / f"{width}-{scheme}-{language}"
        folder.mkdir(parents=True, exist_ok=True)
        with browser(furnished.url, width=width, scheme=scheme) as visitor:
            log_in(visitor, furnished, viewer)
            visitor.set_language(language)
            for page in [page for page in all_pages(furnished) if page.viewer == viewer]:
                visitor.open(page.path)
                visitor.page.screenshot(path=folder / f"{page.name}.png", full_page=True)
                assert (folder / f"{page.name}.png").stat().st_size
