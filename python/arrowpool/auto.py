"""Serves all of pyarrow's memory from the import on, as the variables ARROW_POOL_... say and nothing else:

    import arrowpool.auto

For a whole environment see arrowpool_auto, which does not import pyarrow before the program does.
"""

from ._install import install_from_environment

install_from_environment()
