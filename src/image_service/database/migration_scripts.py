"""The migration files, read without alembic, whose import takes longer than most commands."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
# A wheel has the scripts in the package, a checkout at its top.
_FOLDERS = (_PACKAGE / "alembic", _PACKAGE.parents[1] / "alembic")
FOLDER = next(folder for folder in _FOLDERS if (folder / "env.py").is_file())
NEWEST = max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))  # this version's schema
