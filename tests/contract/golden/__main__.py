"""Writes all files anew."""

from tests.contract.golden import HERE, files

if __name__ == "__main__":
    for stale in HERE.glob("*/*.json"):
        stale.unlink()
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
