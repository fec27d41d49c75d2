"""Charts on pages: axes that can be read."""

import re

import pytest

from videos.pages import charts
from videos.pages.charts import Series

_TICK = re.compile(r'text-anchor="end">([^<]+)<')


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0, 0], ["0", "1", "2", "3", "4"]),
        ([1, 2], ["0", "1", "2", "3", "4"]),
        ([9, 3], ["0", "3", "6", "9", "12"]),
        ([70, 3], ["0", "20", "40", "60", "80"]),
        ([0.3, None], ["0", "0.1", "0.2", "0.3", "0.4"]),
        ([1500.0, 1], ["0", "500", "1k", "1.5k", "2k"]),
    ],
)
def test_counts_have_whole_ticks(values: list[float | None], ticks: list[str]) -> None:
    for chart in (charts.bars, charts.lines):
        assert _TICK.findall(chart("Tasks", ["1", "2"], [Series("Tasks", values)])) == ticks
