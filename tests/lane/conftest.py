"""The lane, without its threads."""

import pytest

from tests.support.lane import Lane
from videos.lane.lanes import serving


@pytest.fixture
def lane(db: None) -> Lane:
    return Lane(serving())
