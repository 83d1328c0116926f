"""The migrations as files: what is known of them without alembic, whose import takes longer than most commands."""

from pathlib import Path

_HERE = Path(__file__).parent
# In a wheel the scripts lie beside this file, in a checkout at its top.
FOLDER = next(folder for folder in (_HERE / "alembic", _HERE.parents[1] / "alembic") if (folder / "env.py").is_file())
NEWEST = max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))  # this version's schema
