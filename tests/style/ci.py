"""What the files for GitHub and GitLab say: `ci.py GITHUB GITLAB` prints what is wrong, each on a line.

They have to parse, and call scripts that are there, with words that these know; and the two call the same.
"""

import itertools
import os
import re
import subprocess
import sys

import yaml


def strings(value):
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, type({}.values()))):
        for part in value:
            yield from strings(part)


def github_jobs(text):
    """(name, commands, variables with their values) of each job."""
    for name, job in yaml.safe_load(text)["jobs"].items():
        matrix = job.get("strategy", {}).get("matrix", {})
        yield name, [step["run"] for step in job["steps"] if "run" in step], {
            f"${{{{ matrix.{key} }}}}": values for key, values in matrix.items()}


def gitlab_jobs(text):
    words = {"stages", "default", "workflow", "variables"}
    for name, job in yaml.safe_load(text).items():
        if name not in words:
            variables = {}
            for cell in job.get("parallel", {}).get("matrix", []):
                for key, values in cell.items():
                    variables.setdefault(f'"${key}"', []).extend(values if isinstance(values, list) else [values])
            yield name, list(strings(job["script"])), variables


def commands(jobs):
    """The lines that call scripts, once for each value of the matrix."""
    for _, lines, variables in jobs:
        for line in lines:
            if "scripts/" in line:
                used = [name for name in variables if name in line]
                for values in itertools.product(*(variables[name] for name in used)):
                    command = line
                    for name, value in zip(used, values, strict=True):
                        command = command.replace(name, str(value))
                    yield command.split()


def wrong(words):
    script, arguments = words[0], words[1:]
    if not os.access(script, os.X_OK):
        return "there is no such script"
    if arguments and arguments[0].startswith("--"):
        # A script that is given a word it does not know says which it does.
        known = subprocess.run([script, arguments[0], "nonsense"], capture_output=True, text=True, check=False).stderr
        choice = re.search(r"choose (.*)", known)
        if not choice or arguments[1] not in re.findall(r"[\w-]+", choice[1]):
            return f"{script} {arguments[0]} says: {known.strip()}"
    return ""


called = []
for file, jobs_of in zip(sys.argv[1:], (github_jobs, gitlab_jobs), strict=True):
    with open(file) as text:
        called.append(list(commands(jobs_of(text.read()))))
    if not called[-1]:
        print(f"{file} calls no script")
    for command in called[-1]:
        problem = wrong(command)
        if problem:
            print(f"{file}: {' '.join(command)}: {problem}")
scripts = [{words[0] for words in side} for side in called]
if scripts[0] != scripts[1]:
    print(f"only one of the two calls {' '.join(sorted(scripts[0] ^ scripts[1]))}")
