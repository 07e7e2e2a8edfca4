#!/usr/bin/env python3
"""Makes the page of `arrowpool who --format=html` a C source: the template with its style and script, in the parts
between which html.c writes the title, the title again, and the data. The page's policy names the hashes of the two, so
that a browser runs no other script, whatever a profile has in it.

usage: embed.py page.html page.css SCRIPT.js... OUT.c"""

import base64
import hashlib
import pathlib
import re
import sys


def policy_hash(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def c_string(text):
    """One literal a line; what is not plain ASCII in octal, which ends by itself."""
    def escape(match):
        return "".join(f"\\{byte:03o}" for byte in match[0].encode())
    return "\n".join('  "' + re.sub(r'[^ !#-\[\]-~]', escape, line) + '"' for line in text.splitlines(keepends=True))


def main():
    page, style, *scripts = (pathlib.Path(name).read_text(encoding="utf-8") for name in sys.argv[1:-1])
    script = "\n".join(scripts)
    if "</" in script or "</" in style:
        sys.exit("a script or style has what may end its element")
    for name, text in {"STYLE_HASH": policy_hash(style), "SCRIPT_HASH": policy_hash(script), "STYLE": style,
                       "SCRIPT": script}.items():
        before, after = page.split(f"@{name}@")
        page = before + text + after
    parts = re.split("@TITLE@|@DATA@", page)
    if len(parts) != 4:
        sys.exit("the template has other places than two for the title and one for the data")
    literals = ",\n".join(c_string(part) for part in parts)
    pathlib.Path(sys.argv[-1]).write_text(
        "/* The page of `arrowpool who --format=html`, made by embed.py. */\n"
        '#include "cli/who/html.h"\n\n'
        f"const char *const who_page[{len(parts)}] = {{\n{literals},\n}};\n", encoding="ascii")


main()
