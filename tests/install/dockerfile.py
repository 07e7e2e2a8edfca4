"""Does what a Dockerfile says, without Docker: its stages are folders that began as a copy of a minimal Debian, and
its commands run in them by chroot. For the instructions FROM, RUN, COPY, WORKDIR and CMD, which is all that ours has.

    dockerfile.py packages FILE           what its apt-get commands install, one a line, with the stage's number
    dockerfile.py copies FILE CONTEXT     fail if something that it copies is not in the context
    dockerfile.py run FILE CONTEXT BASE FOLDER   build all stages in FOLDER from BASE, and run CMD; needs root
"""

import fnmatch
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

KNOWN = {"FROM", "RUN", "COPY", "WORKDIR", "CMD"}
# How this machine reaches PyPI; with Docker that would be build arguments.
HANDED_ON = {name: value for name, value in os.environ.items()
             if re.fullmatch(r"PIP_(INDEX_URL|PROXY|DEFAULT_TIMEOUT)|https?_proxy", name)}
CERTIFICATES = os.environ.get("PIP_CERT")
if CERTIFICATES:
    HANDED_ON["PIP_CERT"] = "/certificates.pem"


def instructions(file):
    """(stage, instruction, rest) for each; comments are left out."""
    stage, found = -1, []
    for line in pathlib.Path(file).read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, rest = line.split(None, 1)
        if word not in KNOWN:
            sys.exit(f"{word}: an instruction that is not known here")
        stage += word == "FROM"
        found.append((stage, word, rest))
    return found


def copy_of(rest):
    """The source's stage (None: the context), the sources and the destination of a COPY."""
    words = shlex.split(rest)
    stage = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else None
    return stage, words[:-1], words[-1]


def ignored(file):
    patterns = pathlib.Path(file + ".dockerignore").read_text().split()
    return lambda folder, names: [name for name in names if pathlib.Path(folder) == ignored.context
                                  and any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]


def put(source, target, ignore=None):
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=ignore)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def run_in(root, workdir, command):
    inside = ["chroot", root, "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
              "HOME=/root", "DEBIAN_FRONTEND=noninteractive", *[f"{name}={value}" for name, value in HANDED_ON.items()],
              "sh", "-c", f"cd {shlex.quote(workdir)} && {command}"]
    mounts = f"mount --rbind /dev {root}/dev && mount -t proc proc {root}/proc"
    # A process number space of its own, so that nothing that the command starts outlives it.
    subprocess.run(["unshare", "-m", "-p", "-f", "--kill-child", "sh", "-c", f"{mounts} && exec \"$@\"", "sh", *inside],
                   check=True)


def run(file, context, base, folder):
    ignored.context = pathlib.Path(context)
    names, workdir, root = {}, "/", None
    for stage, word, rest in instructions(file):
        print(f"-- {word} {rest}", flush=True)
        if word == "FROM":
            root, workdir = pathlib.Path(folder) / str(stage), "/"
            names[rest.split()[2] if " AS " in rest else str(stage)] = root
            subprocess.run(["cp", "-a", base, root], check=True)
            shutil.copy2("/etc/resolv.conf", root / "etc/resolv.conf")
            if CERTIFICATES:
                shutil.copy(CERTIFICATES, root / "certificates.pem")
        elif word == "COPY":
            source, paths, target = copy_of(rest)
            for path in paths:
                put((names[source] if source else ignored.context) / path.lstrip("/"), root / target.lstrip("/"),
                    None if source else ignored(file))
        elif word == "WORKDIR":
            workdir = rest
            (root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        else:
            run_in(root, workdir, rest)


def main(what, file, *arguments):
    if what == "packages":
        for stage, word, rest in instructions(file):
            for part in re.findall(r"apt-get install ([^&;|]*)", rest if word == "RUN" else ""):
                print(*(f"{stage} {name}" for name in part.split() if not name.startswith("-")), sep="\n")
    elif what == "copies":
        missing = [path for _, word, rest in instructions(file) if word == "COPY"
                   for path in copy_of(rest)[1]
                   if not copy_of(rest)[0] and not (pathlib.Path(arguments[0]) / path).exists()]
        sys.exit(f"not in the context: {missing}" if missing else 0)
    else:
        run(file, *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
