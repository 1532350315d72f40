#!/usr/bin/env python3
"""How long a function takes from the start of its process to its first answer, and a warm one for each answer, and how
much of that is its own work: the time of its threads on a processor, without the waits for the storage. Beside programs in Python and Node that make the same one query to DynamoDB; under a runtime API, with ministack as storage.

    tests/aws/cold_start.py PROGRAMS NODE_MODULES [ROUNDS]      PROGRAMS/<function>/bootstrap, as infra/build makes them

NODE_MODULES has @aws-sdk/client-dynamodb. The programs take turns, so that what else the machine does meets all alike.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import boto3
import parts
from parts import REGION, SPEECH
from runtime import Function

WARM = 200

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


def count(function):
    return function.ask("GET", "/v1/mailboxes/5001/mwi")


def deposit(function):
    headers = {"content_type": "audio/wav", "voicemail_caller_id": "+4930123456"}
    return function.ask("POST", "/v1/mailboxes/5001/messages", SPEECH.read_bytes(), **headers)


def worked(function):
    """Seconds that the threads of a function have been on a processor."""
    threads = Path(f"/proc/{function.child.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def first_answer(program, env, ask, warm):
    """Milliseconds to the first answer, for each of the warm ones, and of its own work for a warm one."""
    begun = time.perf_counter()
    with Function(program, env) as function:
        answer = ask(function)
        first = time.perf_counter() - begun
        assert answer.status in (200, 201), answer
        times, before = [], worked(function)
        for _ in range(warm):
            begun = time.perf_counter()
            ask(function)
            times.append(time.perf_counter() - begun)
        own = (worked(function) - before) / max(warm, 1)
    return first * 1000, [it * 1000 for it in times], own * 1000


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
            settings = {"max_messages": 100000}
            made = function.ask("PUT", "/v1/mailboxes/5001", {"kind": "personal", "user": "alice", "settings": settings})
            assert made.status == 201, made
        asked = {
            "mwi-count": (f"{programs}/mwi-count/bootstrap", count), "deposit": (f"{programs}/deposit/bootstrap", deposit),
            **{name: (program, count) for name, program in others.items()},
        }
        cold, warm, own = {name: [] for name in asked}, {}, {}
        for turn in range(rounds):
            for name, (program, ask) in asked.items():
                first, times, work = first_answer(program, env, ask, WARM if turn == 0 and name != "deposit" else 0)
                cold[name].append(first)
                if times:
                    warm[name], own[name] = times, work
    for name, times in cold.items():
        its = f", warm {statistics.median(warm[name]):5.2f} ms, of which {own[name]:4.2f} its own" if name in warm else ""
        ratio = statistics.median(times) / statistics.median(cold["mwi-count"])
        print(f"{name:10} {statistics.median(times):6.1f} ms to the first answer ({ratio:4.1f} of mwi-count){its}")


if __name__ == "__main__":
    main()
