#!/usr/bin/env python3
"""How long a function takes from the start of its process to its first answer, and a warm one for each answer, and how
much of that is its own work: the time of its threads on a processor, without the waits for the storage. Beside programs in
Python and Node that make the same one query; under a runtime API, with ministack as storage. Then what mwi-count adds to
its query, beside a function that does nothing.

    tests/aws/cold_start.py PROGRAMS NODE_MODULES [ROUNDS]      PROGRAMS/<function>/bootstrap, as infra/build makes them

NODE_MODULES has @aws-sdk/client-dynamodb. The programs take turns, so that what else the machine does meets all alike.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3
import parts
from parts import REGION, SPEECH
from runtime import Function

WARM = 200
# What mwi-count adds is a tenth of a millisecond: the two functions take so many turns.
TURNS = 8

PYTHON = """
import json, os, urllib.request
import boto3
db = boto3.client("dynamodb")
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    event = urllib.request.urlopen(api + "next")
    event.read()
    found = db.query(TableName="voicemail", IndexName="folder", ConsistentRead=True,
                     KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "t1#m#5001"}})
    body = json.dumps({"statusCode": 200, "headers": {}, "body": str(found["Count"])}).encode()
    urllib.request.urlopen(api + event.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", body).read()
"""
NODE = """
const { DynamoDBClient, QueryCommand } = require("@aws-sdk/client-dynamodb");
const db = new DynamoDBClient({});
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`;
(async () => {
  for (;;) {
    const event = await fetch(api + "next");
    await event.text();
    const found = await db.send(new QueryCommand({ TableName: "voicemail", IndexName: "folder", ConsistentRead: true,
      KeyConditionExpression: "pk = :pk", ExpressionAttributeValues: { ":pk": { S: "t1#m#5001" } } }));
    const body = JSON.stringify({ statusCode: 200, headers: {}, body: String(found.Count) });
    await fetch(api + event.headers.get("lambda-runtime-aws-request-id") + "/response", { method: "POST", body });
  }
})();
"""
EMPTY = """
use lambda_http::{Body, Error, Response, service_fn};
fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(lambda_http::run(service_fn(async |_| {
        Ok::<_, Error>(Response::builder().status(403).body(Body::from("{}"))?)
    })))
}
"""
# Of the same versions and built as functions are.
EMPTY_MANIFEST = """
[package]
name = "empty"
edition = "2024"
[dependencies]
lambda_http = { version = "1", default-features = false, features = ["apigw_http"] }
tokio = { version = "1", features = ["rt"] }
[profile.release]
opt-level = "z"
lto = "fat"
codegen-units = 1
[workspace]
"""


def empty(folder):
    """The program of a function that does nothing."""
    (folder / "src").mkdir()
    (folder / "src/main.rs").write_text(EMPTY)
    (folder / "Cargo.toml").write_text(EMPTY_MANIFEST)
    shutil.copy(parts.ROOT / "Cargo.lock", folder)
    subprocess.run(["cargo", "build", "--release", "--quiet", "--target-dir", "target"], cwd=folder, check=True)
    return folder / "target/release/empty"


def count(function):
    return function.ask("GET", "/v1/mailboxes/5001/mwi")


def deposit(function):
    headers = {"content_type": "audio/wav", "voicemail_caller_id": "+4930123456"}
    return function.ask("POST", "/v1/mailboxes/5001/messages", SPEECH.read_bytes(), **headers)


def refused(function):
    """What a count does but the query and what becomes of it: the token is checked, and its role may not count."""
    return function.ask("GET", "/v1/mailboxes/5001/mwi", roles=["deposit"])


def worked(function):
    """Seconds that the threads of a function have been on a processor."""
    threads = Path(f"/proc/{function.child.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def each(function, ask, status):
    """Milliseconds for each warm answer, and of the function's own work for it."""
    times, before = [], worked(function)
    for _ in range(WARM):
        begun = time.perf_counter()
        answer = ask(function)
        times.append((time.perf_counter() - begun) * 1000)
        assert answer.status == status, answer
    return statistics.median(times), (worked(function) - before) / WARM * 1000


def first_answer(program, env, ask, then):
    """Milliseconds to the first answer, and what `then` tells of the function when it is warm."""
    begun = time.perf_counter()
    with Function(program, env) as function:
        answer = ask(function)
        first = time.perf_counter() - begun
        assert answer.status in (200, 201), answer
        return first * 1000, then(function)


def warm_count(function):
    median, own = each(function, count, 200)
    return f", warm {median:5.2f} ms, of which {own:4.2f} its own"


def added(program, nothing, env):
    """Milliseconds of its own work for a request without the query, and of a function that does nothing."""
    with Function(program, env) as function, Function(nothing, env) as other:
        took = [(each(function, refused, 403)[1], each(other, refused, 403)[1]) for _ in range(TURNS)]
    return [statistics.median(it) for it in zip(*took, strict=True)]


def main():
    programs, modules, rounds = sys.argv[1], sys.argv[2], int((sys.argv[3:] or ["15"])[0])
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    os.environ.update(keys)
    port = parts.free_port()
    endpoint = f"http://127.0.0.1:{port}"
    env = parts.environment(endpoint, ["t1"], parts.certificate_key(), ("test", "test"))
    env |= {"AWS_DEFAULT_REGION": REGION, "NODE_PATH": modules}
    emulator = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "AWS_ENDPOINT_URL": endpoint, "MINISTACK_REGION": REGION}
    with parts.running([sys.executable, "-m", "ministack"], port, emulator), tempfile.TemporaryDirectory() as folder:
        clients = (boto3.client(service, endpoint_url=endpoint) for service in ("dynamodb", "s3"))
        parts.furnish(*clients)
        others = {}
        for name, interpreter, text in (("Python", sys.executable, PYTHON), ("Node", "/usr/bin/env node", NODE)):
            others[name] = Path(folder) / name
            others[name].write_text(f"#!{interpreter}{text}")
            others[name].chmod(0o700)
        with Function(f"{programs}/mailboxes/bootstrap", env) as function:
            wanted = {"kind": "personal", "user": "alice", "settings": {"max_messages": 100000}}
            made = function.ask("PUT", "/v1/mailboxes/5001", wanted)
            assert made.status == 201, made
        asked = {
            "mwi-count": (f"{programs}/mwi-count/bootstrap", count, warm_count),
            "deposit": (f"{programs}/deposit/bootstrap", deposit, lambda _: ""),
            **{name: (program, count, warm_count) for name, program in others.items()},
        }
        cold, warm = {name: [] for name in asked}, {}
        for turn in range(rounds):
            for name, (program, ask, then) in asked.items():
                first, told = first_answer(program, env, ask, then if turn == 0 else lambda _: "")
                cold[name].append(first)
                warm[name] = warm.get(name) or told
        without_query, nothing = added(asked["mwi-count"][0], empty(Path(folder)), env)
    for name, times in cold.items():
        ratio = statistics.median(times) / statistics.median(cold["mwi-count"])
        print(f"{name:10} {statistics.median(times):6.1f} ms to the first answer ({ratio:4.1f} of mwi-count){warm[name]}")
    print(f"mwi-count without its query: {without_query:4.2f} ms of its own work; a function that does nothing: {nothing:4.2f}")


if __name__ == "__main__":
    main()
