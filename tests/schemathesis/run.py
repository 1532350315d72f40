#!/usr/bin/env python3
"""Asks the running gateway whatever its own document allows and forbids, as all roles in one and as each alone.

    tests/schemathesis/run.py SCHEMATHESIS GATEWAY      where the two programs are

No answer may be a defect (5xx) or differ from the document. VOICEMAIL_TESTS_SEED repeats a run, VOICEMAIL_TESTS=long
asks more.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import bearer  # noqa: E402

ROOT = HERE.parent.parent
SECRET = "a token secret for schemathesis alone, 32+"
ROLES = ["agent", "deposit", "admin", "privacy"]
SPEECH = HERE.parent / "recordings" / "hello.wav"


def token(roles):
    return bearer.token(SECRET, "demo", roles)


def start(gateway, folder):
    """The gateway on a free port and an empty folder: its address."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("VOICEMAIL_")}
    env |= {
        "VOICEMAIL_LISTEN": "127.0.0.1:0", "VOICEMAIL_DATA": str(folder / "data"),
        "VOICEMAIL_TOKEN_SECRET": SECRET, "VOICEMAIL_SWEEP_EVERY": "off",
    }
    log = open(folder / "log", "w")
    service = subprocess.Popen([gateway], env=env, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=log)
    for line in service.stdout:
        if found := re.search(r"listening on (http://\S+)", line):
            return service, found[1]
    sys.exit("the gateway did not start:\n" + (folder / "log").read_text())


def ask(address, method, path, body=None, kind="application/json"):
    headers = {"Authorization": f"Bearer {token(ROLES)}", "Content-Type": kind}
    request = urllib.request.Request(address + path, body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def messages(address):
    """Messages in every folder; their ids."""
    path, ids = "/v1/mailboxes/5001/messages", []
    for _ in range(6):
        ids.append(ask(address, "POST", path, SPEECH.read_bytes(), "audio/wav")["id"])
    for id in ids[:2]:
        ask(address, "PUT", f"{path}/{id}/read")
    for id in ids[2:4]:
        ask(address, "DELETE", f"{path}/{id}")
    return ids


def asked(schemathesis, address, folder, roles, arguments):
    """One run with these roles; how many cases it had. Whatever it finds ends all of it."""
    report = folder / "report.json"
    command = [schemathesis, "--config-file", "schemathesis.toml", "run", f"{address}/openapi.json"]
    command += ["--report-json-path", report, "--warnings", "off", "--no-color", *arguments]
    env = os.environ | {"VOICEMAIL_TOKEN": token(roles), "VOICEMAIL_SPEECH": str(SPEECH)}
    done = subprocess.run(command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = json.loads(report.read_text()) if report.exists() else {}
    cases, tested = (said.get(name, {}) for name in ("test_cases", "operations"))
    if done.returncode != 0 or not cases.get("generated") or tested["tested"] != tested["total"]:
        sys.exit(f"{done.stdout}\nschemathesis: failed as {' and '.join(roles)}; the gateway's log:\n"
                 + (folder / "log").read_text()[-4000:])
    print(f"schemathesis: {cases['generated']} cases as {' and '.join(roles)} in {said['running_time']:.0f} s", flush=True)
    return cases["generated"]


def main(schemathesis, gateway):
    long = os.environ.get("VOICEMAIL_TESTS") == "long"
    seed = os.environ.get("VOICEMAIL_TESTS_SEED") or str(random.SystemRandom().randrange(2**32))
    print(f"schemathesis: VOICEMAIL_TESTS_SEED={seed}", flush=True)
    # As all roles together everything can be reached; as each alone, that what it may not is refused as the document says.
    whole = ["--max-examples", "300" if long else "25"]
    alone = ["--max-examples", "50"] if long else ["--phases", "coverage"]
    runs = [(ROLES, whole)] + [([role], alone) for role in ROLES]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        service, address = start(gateway, folder)
        try:
            ids = messages(address)
            (folder / "messages.txt").write_text("\n".join(json.dumps(id) for id in ids))
            for file in ("hooks.py", "schemathesis.toml"):
                shutil.copy(HERE / file, folder)
            cases = sum(
                asked(schemathesis, address, folder, roles, ["--seed", seed, *arguments]) for roles, arguments in runs
            )
        finally:
            service.terminate()
            service.wait(timeout=60)
    print(f"schemathesis: {cases} passed, 0 failed")


main(*sys.argv[1:])
