"""Runs the Python examples in turn, each in its folder and environment; stops at the first failure.

One process for all of them, because importing OpenAI's package takes half a second of CPU.
"""

import json
import os
import runpy
import sys
from pathlib import Path

for folder in sys.argv[1:]:
    os.environ.update(json.loads((Path(folder) / "environment.json").read_text()))
    os.chdir(folder)
    runpy.run_path(str(Path(folder) / "example.py"), run_name="__main__")
