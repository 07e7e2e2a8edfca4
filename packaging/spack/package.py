"""The Spack package of arrowpool: the libraries, the command, and with +python the package for pyarrow."""

# ruff: noqa: F403, F405 # as all of Spack's packages do

import os

from spack.package import *
from spack_repo.builtin.build_systems.meson import MesonPackage


class Arrowpool(MesonPackage):
    """Apache Arrow's memory in programs that exist: counted, limited and named pools with growth in place."""

    # A release has no address yet: its tarball is looked for in the folder that Spack is called in.
    manual_download = True
    url = f"file://{os.getcwd()}/arrowpool-0.1.0.tar.gz"

    license("Apache-2.0 AND BSD-2-Clause AND MIT", checked_by="arrowpool")

    version("0.1.0")

    variant("cli", default=True, description="Build the command arrowpool")
    variant("python", default=True, description="Install the Python package")

    # It is bundled on purpose: docs/use/install.md says why.
    resource(
        name="jemalloc",
        url="https://github.com/jemalloc/jemalloc/releases/download/5.3.0/jemalloc-5.3.0.tar.bz2",
        sha256="2db82d1e7119df3e71b7640219b6dfe84789bc0537983c3b7ac4f7189aecfeaa",
        expand=False,
        destination="",
        placement={"jemalloc-5.3.0.tar.bz2": "subprojects/packagecache/jemalloc-5.3.0.tar.bz2"},
    )

    depends_on("c", type="build")
    depends_on("meson@1.0:", type="build")
    depends_on("gmake", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("python@3.9:", type=("build", "run"))
    with when("+cli"):
        depends_on("jansson")
        depends_on("elfutils")
        depends_on("libmicrohttpd")
        depends_on("ncurses")
        depends_on("zlib-api")
    with when("+python"):
        extends("python")
        depends_on("py-pyarrow@10:", type="run")

    conflicts("platform=darwin", msg="it is for Linux with glibc")
    conflicts("platform=windows", msg="it is for Linux with glibc")

    def meson_args(self):
        arguments = ["-Dtests=false", "--wrap-mode=nodownload"]
        arguments.append(f"-Dcli={'true' if self.spec.satisfies('+cli') else 'false'}")
        if self.spec.satisfies("+python"):
            arguments.append(f"-Dpython_package={self.spec['python'].command.path}")
        return arguments
