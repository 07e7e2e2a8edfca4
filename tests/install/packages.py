"""Compare the files by which others package arrowpool with what they are about: prints what differs.

packages.py versions     each names the project's version, and jemalloc's with its checksum
packages.py debian       each file that is installed is in one Debian package, and each pattern has a file
packages.py rpm          the same for the spec's lists
packages.py conda        the recipe is one, and what it names is there
"""

import fnmatch
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
SPEC, RECIPE, SPACK = "packaging/rpm/arrowpool.spec", "packaging/conda/recipe/meta.yaml", "packaging/spack/package.py"


def text(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
        return file.read()


def find(name, pattern):
    found = re.search(pattern, text(name), re.MULTILINE)
    return found.group(1) if found else None


VERSION = find("meson.build", r"^project\('arrowpool'.* version: '([^']+)'")


def versions():
    wrap = "subprojects/jemalloc.wrap"
    jemalloc = find(wrap, r"^directory = jemalloc-(.+)")
    checksum = find(wrap, r"^source_hash = (.+)")
    for name, pattern, wanted in (
        ("debian/changelog", r"^arrowpool \(([^)-]+)-\d+\)", VERSION),
        (SPEC, r"^Version: +(\S+)", VERSION),
        (SPEC, r"<.*> - ([0-9.]+)-\d+$", VERSION),
        (SPEC, r"^%global jemalloc (\S+)", jemalloc),
        (RECIPE, r'set version = "([^"]+)"', VERSION),
        (RECIPE, r'set jemalloc = "([^"]+)"', jemalloc),
        (RECIPE, r"^ +sha256: (\S+)", checksum),
        ("packaging/conda/recipe/build.sh", r"^source=subprojects/jemalloc-(\S+)", jemalloc),
        (SPACK, r'^    version\("([^"]+)"', VERSION),
        (SPACK, r"/arrowpool-([0-9.]+)\.tar\.gz", VERSION),
        (SPACK, r"/jemalloc-([0-9.]+)\.tar\.bz2", jemalloc),
        (SPACK, r'sha256="([^"]+)"', checksum),
    ):
        found = find(name, pattern)
        if found != wanted:
            yield f"{name}: {found}, where {wanted} is right ({pattern})"


def installed(libdir, packages, without=()):
    """What `meson install` makes with -Dpython_package, by its path without the first slash."""
    listed = [line for line in text("tests/install/installed.txt").splitlines() if not line.startswith("#")]
    files = ["usr/" + line.replace("LIBDIR", libdir).replace("VERSION", VERSION) for line in listed]
    package = os.path.join(SOURCE, "python")  # arrowpool_command is a wheel's alone
    for pattern in ("arrowpool/*.py", "arrowpool/*.pyi", "arrowpool/py.typed", "arrowpool_[!c]*.py"):
        files += [f"{packages}/{os.path.relpath(name, package)}" for name in glob.glob(os.path.join(package, pattern))]
    files += [f"{packages}/arrowpool/_library.abi3.so"]
    files += [f"{packages}/arrowpool-{VERSION}.dist-info/{name}" for name in ("METADATA", "entry_points.txt")]
    return [name for name in files if os.path.basename(name) not in without]


def covers(pattern, name):
    """Whether a pattern, in which * is no slash, names the file or a folder that it is in."""
    parts, given = name.split("/"), pattern.strip("/").split("/")
    return len(given) <= len(parts) and all(map(fnmatch.fnmatchcase, parts, given))


def compare(files, patterns):
    """The patterns are pairs: which package, and the pattern."""
    for name in files:
        packages = sorted({package for package, pattern in patterns if covers(pattern, name)})
        if len(packages) != 1:
            yield f"{name}: in {', '.join(packages) or 'no package'}"
    for package, pattern in patterns:
        if not any(covers(pattern, name) for name in files):
            yield f"{package}: {pattern} is no file"


def debian():
    patterns = []
    folder = os.path.join(SOURCE, "debian")
    for name in [*glob.glob(folder + "/*.install"), *glob.glob(folder + "/*.manpages")]:
        package = os.path.basename(name).rpartition(".")[0]
        for line in text(name).splitlines():
            source, *into = line.split()
            if not into:  # else it is a copy
                patterns.append((package, source.removeprefix("debian/tmp/")))
    licences = ("COPYING.jemalloc", "LICENSE", "LICENSE.uPlot")  # they are in debian/copyright
    yield from compare(installed("lib/x86_64-linux-gnu", "usr/lib/python3/dist-packages", licences), patterns)
    exported = [line for line in text("tests/shim/exports-library.txt").splitlines() if not line.startswith("#")]
    symbols = re.findall(r"^ (\w+)@ARROWPOOL_1 ", text("debian/libarrowpool0.symbols"), re.MULTILINE)
    if symbols != ["ARROWPOOL_1", *exported]:
        yield f"debian/libarrowpool0.symbols: not {set(symbols) ^ {'ARROWPOOL_1', *exported}}"


def rpm():
    words = {"_bindir": "usr/bin", "_libdir": "usr/lib64", "_includedir": "usr/include", "_datadir": "usr/share",
             "_mandir": "usr/share/man", "_docdir": "usr/share/doc", "version": VERSION, "name": "arrowpool",
             "python3_sitearch": "usr/lib64/python3.13/site-packages"}
    patterns = []
    for heading, body in re.findall(r"^%files *(.*)\n((?:%\S.*\n)*)", text(SPEC), re.MULTILINE):
        lines = [re.sub(r"%\{(\w+)\}", lambda found: words[found.group(1)], line) for line in body.splitlines()]
        patterns += [(heading, line) for line in lines if not line.startswith("%license")]
    yield from compare(installed("lib64", words["python3_sitearch"]), patterns)


def conda():
    import jinja2
    import yaml

    source = re.sub(r"  # \[.*\]$", "", text(RECIPE), flags=re.MULTILINE)
    names = {name: lambda *given, **_: " ".join(given) for name in ("compiler", "stdlib", "pin_subpackage")}
    recipe = yaml.safe_load(jinja2.Template(source, undefined=jinja2.StrictUndefined).render(names))
    known = {"package", "source", "build", "requirements", "outputs", "about", "extra"}
    yield from (f"{RECIPE}: {key} is no section" for key in recipe.keys() - known)
    if [one["name"] for one in recipe["outputs"]] != ["libarrowpool", "arrowpool"]:
        yield f"{RECIPE}: other outputs"
    for one in recipe["outputs"]:
        if not os.access(os.path.join(SOURCE, os.path.dirname(RECIPE), one["script"]), os.X_OK):
            yield f"{RECIPE}: {one['script']} is not there"
    for name in recipe["about"]["license_file"]:
        if not name.startswith(recipe["source"][1]["folder"]) and not os.path.exists(os.path.join(SOURCE, name)):
            yield f"{RECIPE}: {name} is not there"


differences = list({"versions": versions, "debian": debian, "rpm": rpm, "conda": conda}[sys.argv[1]]())
print(*differences, sep="\n", end="\n" if differences else "")
sys.exit(bool(differences))
