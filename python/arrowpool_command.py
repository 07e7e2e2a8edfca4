"""The command arrowpool of the wheel: becomes the program in the package's folder.

Beside the package, which would take pyarrow along, and a second with it.
"""

import os
import sys


def main() -> None:
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "arrowpool", "bin", "arrowpool")
    os.execv(program, ["arrowpool", *sys.argv[1:]])
