"""Those of every language."""

from config.formats import *  # noqa: F403 - all of them, under the names that Django looks for
