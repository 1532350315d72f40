#!/usr/bin/env python3
"""Follows the README word for word: in a fresh clone, every fenced `sh` block in its order, in one shell.

A block that ends in `cargo run --release` goes to the background, like a terminal of its own, until the service says
that it listens. A `json` or `text` block that follows an `sh` block is what the last command answers: the same shape,
numbers and flags; ids, times and links may differ.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
END = "--- end of block ---"
# What differs from run to run: ids and what is made of them, times; sizes of nothing are not among it.
VARIES = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7|\d{4}-\d\d-\d\dT\d\d:\d\d|signature=|^[0-9a-f]{16}$")


def blocks(text):
    """(language, content) of each fenced block."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)


def same(expected, answered, path="answer"):
    """Raises where the two differ in shape, or in a value that does not vary."""
    if isinstance(expected, str) and isinstance(answered, str) and VARIES.search(expected):
        assert VARIES.search(answered), f"{path}: {answered!r} is not like {expected!r}"
    elif isinstance(expected, dict) and isinstance(answered, dict):
        assert expected.keys() == answered.keys(), f"{path}: {sorted(answered)} for {sorted(expected)}"
        for key in expected:
            same(expected[key], answered[key], f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(answered, list):
        assert len(expected) == len(answered), f"{path}: {len(answered)} entries for {len(expected)}"
        for number, (one, other) in enumerate(zip(expected, answered)):
            same(one, other, f"{path}[{number}]")
    else:
        assert expected == answered, f"{path}: {answered!r} for {expected!r}"


class Shell:
    """One shell for all blocks, so that variables last."""

    def __init__(self, folder, env):
        self.bash = subprocess.Popen(
            ["bash", "-euo", "pipefail"], cwd=folder, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )

    def run(self, block):
        self.bash.stdin.write(f"{block}\nprintf '\\n%s\\n' '{END}'\n")
        self.bash.stdin.flush()
        out = []
        for line in self.bash.stdout:
            if line.rstrip("\n") == END:
                return "".join(out).strip()
            out.append(line)
        sys.exit(f"README: this failed:\n{block}\n{''.join(out)}")


def serve(block, folder, env):
    """Runs a block in the background until the service listens."""
    print("README: in the background:", block.strip().splitlines()[-1], flush=True)
    service = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", block], cwd=folder, env=env, text=True,
        stdout=subprocess.PIPE, stderr=open(folder / "service.log", "a"), start_new_session=True,
    )
    for line in service.stdout:
        print("  ", line, end="")
        if "listening on http://" in line:
            threading.Thread(target=lambda: list(service.stdout), daemon=True).start()
            return service
    sys.exit("README: the service did not start:\n" + (folder / "service.log").read_text()[-4000:])


def main():
    # Builds are kept beside ours; everything else begins as a stranger's machine would.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("VOICEMAIL_", "CARGO_"))}
    env["CARGO_TARGET_DIR"] = str(ROOT / "target" / "readme")
    # What is followed here is the commands; the optimiser would take minutes, and tests/ratios and infra/build have it.
    env |= {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0"}
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty) / "voicemail"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        services, shell, answer, ran = [], Shell(folder, env), None, 0
        try:
            for language, content in blocks((folder / "README.md").read_text()):
                if language == "sh" and content.rstrip().endswith("cargo run --release"):
                    # A terminal of its own: the one before is closed.
                    for service in services:
                        stop(service)
                    services, answer = [serve(content, folder, env)], None
                    ran += 1
                elif language == "sh":
                    print("README:", content.strip().replace("\n", "\n        "), flush=True)
                    answer = shell.run(content)
                    ran += 1
                elif language == "json" and answer is not None:
                    same(json.loads(content), json.loads(answer))
                elif language == "text" and answer is not None:
                    assert content.split() == answer.replace("\r", "").split(), f"{answer}\nfor\n{content}"
        finally:
            for service in services:
                stop(service)
    assert ran > 5, "the README has commands"
    print(f"README: {ran} passed, 0 failed")


def stop(service):
    if service.poll() is None:
        os.killpg(service.pid, signal.SIGTERM)
        service.wait(timeout=60)


main()
