#!/usr/bin/env python3
"""Makes a page that a command writes a C source: the template with its styles and scripts, in the parts between which C
writes the title, the title again, and the data (cli/base/page.h). The page's policy names the hashes of the two, so
that a browser runs no other script, whatever the data has in it.

usage: embed_page.py NAME page.html FILE.css... FILE.js... OUT.c    NAME is the array's; a LICENSE becomes a comment"""

import base64
import hashlib
import pathlib
import re
import sys


def policy_hash(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def c_string(text):
    """Literals of at most a line; what is not plain ASCII, or makes a trigraph, in octal, which ends by itself."""
    def escape(match):
        return "".join(f"\\{byte:03o}" for byte in match[0].encode())
    parts = re.findall(r"[^\n]{1,100}\n?|\n", text)
    return "\n".join('  "' + re.sub(r'[^ !#->@-\[\]-~]', escape, part) + '"' for part in parts)


def read(name):
    text = pathlib.Path(name).read_text(encoding="utf-8")
    return f"/*!\n{text.strip()}\n*/" if name.endswith(".LICENSE") else text


def main():
    name, page, *files, out = sys.argv[1:]
    page = read(page)
    style = "\n".join(read(file) for file in files if file.endswith(".css"))
    script = "\n".join(read(file) for file in files if not file.endswith(".css"))
    if "</" in script or "</" in style:
        sys.exit("a script or style has what may end its element")
    for place, text in {"STYLE_HASH": policy_hash(style), "SCRIPT_HASH": policy_hash(script), "STYLE": style,
                        "SCRIPT": script}.items():
        before, after = page.split(f"@{place}@")
        page = before + text + after
    parts = re.split("@TITLE@|@DATA@", page)
    if len(parts) != 4:
        sys.exit("the template has other places than two for the title and one for the data")
    literals = ",\n".join(c_string(part) for part in parts)
    pathlib.Path(out).write_text(
        f"/* The page {name}, made by embed_page.py. */\n"
        '#include "cli/base/page.h"\n\n'
        f"extern const char *const {name}[PAGE_PARTS];\n"
        f"const char *const {name}[PAGE_PARTS] = {{\n{literals},\n}};\n", encoding="ascii")


main()
