"""What arrowpool.holders() returns: holders, as objects that print well."""

import dataclasses
import html
from collections.abc import Iterable, Sequence
from typing import Any, Optional, Union, overload

from ._stats import format_bytes, html_table


@dataclasses.dataclass(frozen=True)
class Holder:
    """A variable or container, with all memory that is reached by it."""

    name: str
    """The variable or container: "__main__.CACHE"."""
    path: str
    """The way to the object in it that keeps most memory alive: "__main__.CACHE['k'] -> Table -> column 'a'"."""
    kind: str
    """ "variable", "class", "local variable", "context variable", "closure", "generator", "coroutine", "lru_cache",
    "thread local" or "traceback"; "no variable" if nothing was found to hold it."""
    bytes_used: int
    """What the objects' own values take (bytes); what several of them have in common counts once."""
    bytes_pinned: int
    """What is kept alive by them (bytes): the whole buffers of which they may use a part, each once."""
    bytes_alone: int
    """What of that is reached through it alone (bytes): it is freed when this one and those of `names` let go."""
    bytes_mapped: int
    """What of bytes_pinned is in files that are mapped (bytes)."""
    num_objects: int
    """Objects of Arrow, NumPy and Polars that are reached and take memory."""
    num_unseen: int
    """Readers and the like that are reached, of which nobody can tell what they hold. It is in no other figure."""
    types: dict[str, int]
    """Objects by the names of their types, the most frequent first."""
    names: tuple[str, ...]
    """Other variables and containers that reach the very same objects."""

    def asdict(self) -> dict[str, Any]:
        """The fields as a dict, for json and pandas."""
        return dataclasses.asdict(self)


class Holders(Sequence[Holder]):
    """Holders, those first that keep most memory alive; what they keep alive beyond what they use counts twice in that
    order, so slices of large tables come before what is used as a whole."""

    def __init__(self, found: Iterable[Holder], **figures: Any) -> None:
        self._found = tuple(found)
        self.num_holders: int = figures["num_holders"]
        """How many there are, also those beyond `limit` and below `min_bytes`."""
        self.bytes_pinned: int = figures["bytes_pinned"]
        """What all of them keep alive (bytes); what several do counts once."""
        self.bytes_mapped: int = figures["bytes_mapped"]
        """What of that is in files that are mapped (bytes)."""
        self.arrow_bytes: Optional[int] = figures["arrow_bytes"]
        """Live bytes of pyarrow's default pool: far more than bytes_pinned is memory that Arrow's own code holds. None
        without pyarrow."""
        self.num_visited: int = figures["num_visited"]
        """Objects that were visited."""
        self.seconds: float = figures["seconds"]
        """How long it took."""
        self.missing: tuple[str, ...] = tuple(figures["missing"])
        """What was left out for lack of time, in words; empty if nothing was."""

    @property
    def complete(self) -> bool:
        """Whether there was time for everything."""
        return not self.missing

    @overload
    def __getitem__(self, place: int) -> Holder: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Holder, ...]: ...
    def __getitem__(self, place: Union[int, slice]) -> Union[Holder, tuple[Holder, ...]]:
        return self._found[place]

    def __len__(self) -> int:
        return len(self._found)

    def to_dict(self) -> dict[str, Any]:
        """All figures, for json."""
        figures = {name: value for name, value in vars(self).items() if name != "_found"}
        return {**figures, "missing": list(self.missing), "complete": self.complete,
                "holders": [{**one.asdict(), "names": list(one.names)} for one in self._found]}

    def to_pandas(self) -> Any:
        """A pandas.DataFrame with a row for each holder."""
        import pandas

        return pandas.DataFrame([one.asdict() for one in self._found],
                                columns=[field.name for field in dataclasses.fields(Holder)])

    def _rows(self) -> list[tuple[str, ...]]:
        return [(format_bytes(one.bytes_pinned), format_bytes(one.bytes_alone), format_bytes(one.bytes_used),
                 f"{one.num_objects:,}", one.name, _describe_content(one)) for one in self._found]

    def _summary(self) -> str:
        mapped = f", {format_bytes(self.bytes_mapped)} of it in mapped files" if self.bytes_mapped else ""
        live = self.arrow_bytes
        pool = "" if live is None else f"; {format_bytes(live)} are live in Arrow's default pool"
        return (f"{self.num_holders:,} holders keep {format_bytes(self.bytes_pinned)} alive{mapped}{pool} "
                f"({self.num_visited:,} objects in {self.seconds:.2f} s)")

    def __str__(self) -> str:
        lines = [self._summary(), *(f"left out: {what}" for what in self.missing)]
        if self._found:
            lines.append(f"{'pinned':>12} {'alone':>12} {'used':>12} {'objects':>9}  held by")
            for pinned, alone, used, count, name, content in self._rows():
                lines += [f"{pinned:>12} {alone:>12} {used:>12} {count:>9}  {name}", f"{'':50}{content}"]
        if len(self._found) < self.num_holders:
            lines.append(f"{self.num_holders - len(self._found):,} more hold less, or are beyond the limit")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        heads = [self._summary(), *(f"left out: {what}" for what in self.missing)]
        return (f"<p>{'<br>'.join(map(html.escape, heads))}</p>"
                + html_table(("pinned", "alone", "used", "objects", "held by", "what"), self._rows()))


def _describe_content(one: Holder) -> str:
    parts = [f"{count:,} {name}" for name, count in list(one.types.items())[:3]]
    text = ", ".join(parts) + (", ..." if len(one.types) > 3 else "")
    if one.num_unseen:
        text += f" ({one.num_unseen:,} cannot be looked into)"
    if one.num_objects:
        text += f"; most by {one.path}" if one.num_objects > 1 else f"; {one.path}"
    return text + (f"; also {', '.join(one.names)}" if one.names else "")
