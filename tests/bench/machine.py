"""What a run was made on: the lines of the section on the machine. No names of hosts, users or folders."""

import datetime
import os
import platform
import subprocess

import plan


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def field(text, name):
    for line in text.splitlines():
        if line.split(":")[0].strip() == name:
            return line.split(":", 1)[1].strip()
    return "unknown"


def available_mib():
    return int(field(read("/proc/meminfo"), "MemAvailable").split()[0]) // 1024


def commit(root):
    name = output("git", "-C", root, "rev-parse", "--short", "HEAD") or "unknown"
    return name + (" with changes" if output("git", "-C", root, "status", "--porcelain", "lib", "shim") else "")


def describe(root, python_facts):
    cpu, memory = read("/proc/cpuinfo"), read("/proc/meminfo")
    virtual = ", a virtual machine" if "hypervisor" in field(cpu, "flags").split() else ""
    pages = read("/sys/kernel/mm/transparent_hugepage/enabled")
    versions = {name: output("dpkg-query", "-W", "-f", "${Version}", package) or "not installed"
                for name, package in plan.PACKAGES.items()}
    return {
        "date": datetime.date.today().isoformat(),
        "arrowpool": commit(root),
        "processor": f"{field(cpu, 'model name')}, {os.cpu_count()} processors{virtual}",
        "memory": f"{int(field(memory, 'MemTotal').split()[0]) / (1 << 20):.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}, {platform.machine()}; transparent huge pages: "
                  + (pages.split("[")[1].split("]")[0] if "[" in pages else "unknown"),
        "glibc": platform.libc_ver()[1],
        "peers": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "pyarrow": f"{python_facts['pyarrow']} on Python {python_facts['python']}",
        "load when it began": f"{os.getloadavg()[0]:.1f}",
    }
