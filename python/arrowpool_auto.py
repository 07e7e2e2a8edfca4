"""Has arrowpool serve pyarrow's memory in every program of an environment that has variables ARROW_POOL_...: for one
line in a file NAME.pth of its site-packages, or in sitecustomize.py:

    import arrowpool_auto

Beside the package, which is imported, and pyarrow with it, when a program has imported pyarrow.
"""

import os
import sys
from importlib.abc import MetaPathFinder


def _install() -> None:
    """A fault here is no reason for the program not to have its pyarrow."""
    try:
        import arrowpool.auto  # noqa: F401 # it installs
    except Exception as error:
        sys.stderr.write(f"arrowpool: not installed: {error}\n")


class _WhenPyarrowIsThere(MetaPathFinder):
    """Finds nothing by itself, but has the loader that the others find for pyarrow do one thing more."""

    def find_spec(self, name, path=None, target=None):
        if name != "pyarrow":
            return None
        sys.meta_path.remove(self)
        for finder in list(sys.meta_path):
            spec = getattr(finder, "find_spec", lambda *_: None)(name, path, target)
            if spec is not None:
                self._follow(spec.loader)
                return spec
        sys.meta_path.insert(0, self)  # there may be one yet, elsewhere
        return None

    @staticmethod
    def _follow(loader) -> None:
        execute = loader.exec_module

        def exec_module(module) -> None:
            execute(module)
            _install()

        loader.exec_module = exec_module


if any(name.startswith("ARROW_POOL") for name in os.environ):
    if "pyarrow" in sys.modules:
        _install()
    else:
        sys.meta_path.insert(0, _WhenPyarrowIsThere())
