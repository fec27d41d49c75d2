"""Stores of every kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.stores.base import Store
from tests.stores.places import BUCKETS, KINDS, Place
from tests.support.s3_server import S3Server


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, s3_server: S3Server) -> Place:
    """A place of each kind."""
    return Place(request.param, tmp_path / "results", s3_server)


@pytest.fixture(params=BUCKETS)
def bucket(request: pytest.FixtureRequest, tmp_path: Path, s3_server: S3Server) -> Place:
    """A bucket of each kind."""
    return Place(request.param, tmp_path, s3_server)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """The store at the place."""
    yield from _opened(place)


@pytest.fixture
def bucket_store(bucket: Place) -> Iterator[Store]:
    """The store in the bucket."""
    yield from _opened(bucket)


def _opened(place: Place) -> Iterator[Store]:
    store = place.open()
    yield store
    getattr(store, "close", lambda: None)()
