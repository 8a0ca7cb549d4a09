"""Checks what the project depends on: where from, under which licence, and how much of it."""

import json
import subprocess
import sys

ALLOWED = {
    "MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC",
    "MIT-0", "Unicode-3.0", "Unlicense", "Zlib", "0BSD", "CC0-1.0",
}
# Below zenoh, which only the gateway needs: used unchanged, as the licence asks; and a list of public
# authorities, which is data.
EXCEPTIONS = {"option-ext": "MPL-2.0", "webpki-roots": "CDLA-Permissive-2.0"}
# Crates that somebody who uses only the library compiles, without features.
LIBRARY_LIMIT = 30


def metadata(*arguments):
    command = ["cargo", "metadata", "--locked", "--format-version=1", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def acceptable(expression):
    """An `OR` needs one allowed side, an `AND` both. Nested expressions are read from outside."""
    expression = expression.replace("/", " OR ").strip()
    while expression.startswith("(") and closes_at_end(expression):
        expression = expression[1:-1].strip()
    for word, decide in (("OR", any), ("AND", all)):
        parts = split(expression, f" {word} ")
        if len(parts) > 1:
            return decide(acceptable(part) for part in parts)
    return expression in ALLOWED


def closes_at_end(expression):
    depth = 0
    for index, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return index == len(expression) - 1
    return False


def split(expression, separator):
    parts, depth, start = [], 0, 0
    for index, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if depth == 0 and expression.startswith(separator, index):
            parts.append(expression[start:index])
            start = index + len(separator)
    return [*parts, expression[start:]]


def library_crates():
    """Crates that `mailslot` needs to build, without its optional and test dependencies."""
    tree = subprocess.run(
        ["cargo", "tree", "--locked", "-p", "mailslot", "-e", "normal,build", "--prefix", "none"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    return {line.split()[0] for line in tree.splitlines() if line.strip()}


def main():
    data = metadata()
    problems = []
    for package in data["packages"]:
        name = f"{package['name']} {package['version']}"
        source = package["source"]
        if source is None:
            continue
        if not source.startswith("registry+"):
            problems.append(f"{name} comes from {source}")
        licence = package["license"]
        excepted = EXCEPTIONS.get(package["name"]) == licence
        if not licence or not (excepted or acceptable(licence)):
            problems.append(f"{name} has the licence {licence!r}")
    crates = library_crates()
    if len(crates) > LIBRARY_LIMIT:
        problems.append(f"the library needs {len(crates)} crates, more than {LIBRARY_LIMIT}")
    for problem in problems:
        print(problem)
    print(f"{len(data['packages'])} packages looked at, {len(crates)} in the library")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
