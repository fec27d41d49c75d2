"""A clip of the sandbox, as a file."""

from pathlib import Path

import pytest

from videos.sandbox.clip import Clip
from videos.sandbox.render import render


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP4 of two seconds with sound, its index before its pictures."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    render(Clip("a cat runs", "Kling 2.5", 342, 192, 2, audio=True), path)
    return path
