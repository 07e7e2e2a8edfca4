#!/usr/bin/env python3
"""What a wheel contains besides our own code, as CycloneDX (JSON): what the linker was given, by the build folder, with
the versions of the packages that it came from.

usage: sbom.py SOURCE BUILD SYSROOT    SOURCE_DATE_EPOCH is the time; prints the document"""

import datetime
import os
import pathlib
import re
import shlex
import sys
import uuid

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

# By the names of Debian's source packages; what comes in that is not here has no licence file in the wheel either.
LICENCES = {"elfutils": "LGPL-3.0-or-later OR GPL-2.0-or-later", "jansson": "MIT",
            "ncurses": "X11-distribute-modifications-variant", "zlib": "Zlib"}
RELEASE = "debian-11"

source, build, sysroot = map(pathlib.Path, sys.argv[1:])
licences = LicenseFactory()


def component(name, version, licence, purl, **rest):
    return Component(type=ComponentType.LIBRARY, name=name, version=version, purl=purl, bom_ref=str(purl),
                     licenses=[licences.make_from_string(licence)], **rest)


def project():
    """Our name and version, as meson.build has them."""
    return re.search(r"project\('(\S+)',.* version: '(\S+)'", (source / "meson.build").read_text()).groups()


def jemalloc():
    lines = (source / "subprojects/jemalloc.wrap").read_text().splitlines()
    wrap = dict(line.split(" = ") for line in lines if " = " in line)
    version = wrap["directory"].rpartition("-")[2]
    archive = ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(wrap["source_url"]),
                                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=wrap["source_hash"])])
    return component("jemalloc", version, "BSD-2-Clause", PackageURL("github", "jemalloc", "jemalloc", version),
                     external_references=[archive],
                     description="with subprojects/packagefiles/jemalloc-embedded.diff")


def uplot():
    text = (source / "cli/plot/page/uPlot.iife.min.js").read_text()
    version = re.match(r"/\*! https://github.com/leeoniya/uPlot \(v(\S+)\)", text)[1]
    return component("uplot", version, "MIT", PackageURL("npm", None, "uplot", version))


def linked():
    """The archives that programs and libraries were linked with."""
    words = set()
    for line in (build / "build.ninja").read_text().splitlines():
        if line.strip().startswith("LINK_ARGS"):
            words.update(word for word in shlex.split(line) if word.endswith(".a"))
    return sorted(word.removeprefix(str(sysroot)) for word in words if word.startswith(str(sysroot)))


def packages():
    """Of these archives, the source packages."""
    rows = [line.split() for line in (sysroot / "archives.txt").read_text().splitlines()]
    sources = {path: (name, version) for path, _, _, name, version in rows}
    for name, version in sorted({sources[path] for path in linked()}):
        purl = PackageURL("deb", "debian", name, version, {"arch": "source", "distro": RELEASE})
        yield component(name, version, LICENCES[name], purl)


def at_run_time():
    """What is not in the wheel, and found where it is installed."""
    yield component("pyarrow", None, "Apache-2.0", PackageURL("pypi", None, "pyarrow"))
    yield component("libmicrohttpd", None, "LGPL-2.1-or-later", PackageURL("deb", "debian", "libmicrohttpd12"),
                    scope=ComponentScope.OPTIONAL, description="arrowpool serve --listen opens it")


def main():
    name, version = project()
    own = component(name, version, "Apache-2.0", PackageURL("pypi", None, name, version))
    parts = [jemalloc(), uplot(), *packages(), *at_run_time()]
    names = " ".join(str(part.purl) for part in [own, *parts])
    bom = Bom(components=parts, serial_number=uuid.uuid5(uuid.NAMESPACE_URL, names),
              dependencies=[Dependency(own.bom_ref, [Dependency(part.bom_ref) for part in parts]),
                            *(Dependency(part.bom_ref) for part in parts)])
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.UTC)
    bom.metadata.component = own
    bom.metadata.tools.components.clear()
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    sys.exit(f"sbom.py: {wrong}") if wrong else print(text)


main()
