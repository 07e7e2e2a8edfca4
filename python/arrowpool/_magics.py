"""The magic of notebooks, %load_ext arrowpool: %arrowpool and %%arrowpool tell what a statement or a cell took."""

import ast
import types
from typing import Any, Optional

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from ._snapshot import snapshot
from ._watch import watch


@magics_class
class ArrowpoolMagics(Magics):
    """%arrowpool, and %%arrowpool."""

    @line_cell_magic
    def arrowpool(self, line: str, cell: Optional[str] = None) -> Any:
        """Tell what Arrow's memory did while code ran: peak, allocated, growth in place, idle afterwards, and a chart.

            %arrowpool              what is live now, by pool
            %arrowpool STATEMENT    of that statement
            %%arrowpool [NAME]      of the cell; NAME is a variable that becomes the arrowpool.Watch

        With the shim preloaded (`arrowpool run -- jupyter lab`) all of Arrow's memory is seen; without it, the pools of
        arrowpool.pool() and what pyarrow says of its own.
        """
        line = line.strip()
        if cell is None and not line:
            return snapshot()
        if cell is not None and line and not line.isidentifier():
            raise UsageError(f"%%arrowpool {line}: choose the name of a variable for the figures, or nothing")
        steps = self._compile(line) if cell is None else self._compile(cell, "\n")
        watched = watch()
        try:
            with watched:
                result = self._run(steps)
        finally:
            if cell is not None and line:
                self.shell.user_ns[line] = watched
            display(watched)
        return result

    def _compile(self, source: str, above: str = "") -> "list[types.CodeType]":
        """The statements, and the expression that the cell ends with, apart: its value is the cell's. A traceback shows
        the lines, and numbers them as the notebook does: `above` stands for the line of the magic."""
        shell = self.shell
        text = above + shell.transform_cell(source)
        name = shell.compile.cache(text, len(shell.history_manager.input_hist_raw) - 1)
        body = shell.transform_ast(shell.compile.ast_parse(text, filename=name)).body
        last = [body.pop()] if body and isinstance(body[-1], ast.Expr) else []
        return [shell.compile(ast.Module(body, []), name, "exec"),
                *(shell.compile(ast.Expression(one.value), name, "eval") for one in last)]

    def _run(self, steps: "list[types.CodeType]") -> Any:
        result = None
        for code in steps:
            result = eval(code, self.shell.user_ns)
        return result
