"""A small chart of what was live over time, as SVG that stands in a notebook's page by itself."""

from collections.abc import Sequence

from ._stats import format_bytes, format_seconds

_WIDTH, _HEIGHT, _TOP = 360, 72, 14  # pixels; the first line of text is above the chart
_BLUE, _RED = "#4c78a8", "#e45756"  # seen on white and on black


def svg(samples: Sequence["tuple[float, int]"], peak: int) -> str:
    """Of (seconds since the beginning, bytes), in the order of time. The highest is `peak`, which samples may miss."""
    scale, seconds = max(peak, 1), samples[-1][0]

    def place(at: float, live: int) -> str:
        x = _WIDTH * at / seconds if seconds > 0 else 0
        return f"{x:.1f},{_TOP + (_HEIGHT - _TOP) * (1 - live / scale):.1f}"

    line = " ".join(place(at, live) for at, live in samples)
    area = f"{place(samples[0][0], 0)} {line} {place(samples[-1][0], 0)}"
    text = 'font-family="sans-serif" font-size="10" fill="currentColor"'
    size = f'width="{_WIDTH}" height="{_HEIGHT + 14}" viewBox="0 0 {_WIDTH} {_HEIGHT + 14}"'
    return (f'<svg role="img" style="display:block" {size}>'
            f"<title>live bytes over time</title>"
            f'<polygon points="{area}" fill="{_BLUE}" fill-opacity="0.25"/>'
            f'<polyline points="{line}" fill="none" stroke="{_BLUE}" stroke-width="1.5"/>'
            f'<line x1="0" x2="{_WIDTH}" y1="{_TOP}" y2="{_TOP}" stroke="{_RED}" stroke-dasharray="4 3"/>'
            f'<text x="0" y="{_TOP - 4}" {text}>peak {format_bytes(peak)}</text>'
            f'<text x="0" y="{_HEIGHT + 12}" {text}>0 s</text>'
            f'<text x="{_WIDTH}" y="{_HEIGHT + 12}" text-anchor="end" {text}>{format_seconds(seconds)}</text></svg>')
