"""The bodies that both products get for the contract's cases are those that were reviewed."""

from tests.contract import golden
from tests.support.rows import check_each
from videos.products import Product


def test_each_accepted_case_is_sent_as_reviewed() -> None:
    def is_as_reviewed(name: str) -> None:
        for product in Product:
            file = golden.path(product, name)
            assert written[file] == file.read_text(), "see tests/contract/golden/__init__.py"

    written = golden.files()
    check_each(golden.ACCEPTED, is_as_reviewed)


def test_each_file_belongs_to_one_case() -> None:
    assert {*golden.files()} == {*golden.HERE.glob("*/*.json")}
    assert len(golden.files()) == len(Product) * len(golden.ACCEPTED)
