"""What the Python programs share: their two verbs, and a digest of what they computed."""

import hashlib
import importlib.metadata
import sys


def digest(*values):
    """Of arrays and bytes: equal bits are what is compared, not nearness."""
    sums = hashlib.sha256()
    for value in values:
        sums.update(value if isinstance(value, bytes) else value.tobytes())
    return sums.hexdigest()[:32]


def main(packages, run):
    if sys.argv[1:] == ["run"]:
        return run()
    try:
        print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    except importlib.metadata.PackageNotFoundError as missing:
        print(f"{missing.name} is not installed")
        sys.exit(1)
