#!/usr/bin/env python3
"""Deploys the template to an emulator of AWS as the README says, with the real programs, and uses the service.

    tests/aws/deploy.py SAM         where the program `sam` is; the functions lie in target/lambda

What the emulator cannot show: IAM (tests/aws/privileges.py does), the sandbox of Lambda, the lifecycle of the bucket, KMS,
alarms that ring, and how long anything takes.
"""

import json
import os
import platform
import subprocess
import sys
import time
import urllib.parse

import parts
from parts import REGION, SPEECH, ago, send, token

STACK = "voicemail"
ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), "x86_64")
# The shortest time from one sweep to the next, in seconds.
SCHEDULE = 60


class Deployed:
    """The stack, from outside."""

    def __init__(self, port):
        import boto3

        def client(service):
            return boto3.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{port}")

        self.port, self.s3, self.client = port, client("s3"), client
        stack = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack["StackStatus"]
        outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
        self.bucket = outputs["Bucket"]
        self.host = outputs["Address"].split("//")[1]

    def ask(self, method, path, body=None, *, roles=parts.ROLES, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Host": self.host, "Authorization": f"Bearer {token(roles)}"}
        if isinstance(body, dict):
            body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        return send(f"http://127.0.0.1:{self.port}{path}", method, body, headers)

    def is_so(self, answer, status):
        assert answer.status == status, answer
        return answer.json() if answer.body[:1] in (b"{", b"[") else answer.body

    def function(self, name):
        functions = self.client("lambda").list_functions()["Functions"]
        return next(it["FunctionName"] for it in functions if it["FunctionName"].startswith(f"{STACK}-{name}-"))

    def invoke(self, name, event):
        """Invokes a function with an event: whether it failed, and what it returned."""
        answer = self.client("lambda").invoke(FunctionName=self.function(name), Payload=json.dumps(event).encode())
        return "FunctionError" in answer, answer["Payload"].read().decode()

    def drop(self, name, **facts):
        self.s3.put_object(Bucket=self.bucket, Key=f"incoming/t1/{name}", Body=SPEECH.read_bytes(), Metadata=facts)

    def keys(self, prefix):
        return [it["Key"] for it in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])]

    def messages(self, mailbox="5001", folder=""):
        return self.is_so(self.ask("GET", f"/v1/mailboxes/{mailbox}/messages{folder}"), 200)["messages"]


def until(what, holds, seconds=30):
    """Waits for what comes by itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.1)
    sys.exit(f"after {seconds} s: not {what}")


def deploy(sam, env):
    tenants = json.dumps([parts.tenant("t1")], separators=(",", ":"))
    # Quoted as sam reads it.
    given = ["BucketName=voicemail-test", f"Tenants={json.dumps(tenants)}", f"Architecture={ARCHITECTURE}", "TrashWindow=1s", 'SweepSchedule="rate(1 minute)"']
    command = [sam, "deploy", "--no-confirm-changeset", "--no-progressbar", "--parameter-overrides", *given]
    deployed = subprocess.run(command, env=env, cwd=parts.ROOT, capture_output=True, text=True, check=False)
    if deployed.returncode:
        sys.exit(deployed.stdout + deployed.stderr)


def s3_event(bucket, key):
    place = {"bucket": {"name": bucket}, "object": {"key": urllib.parse.quote_plus(key, safe="/"), "size": 1}}
    return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": REGION, "s3": place}]}


def over_http(it):
    """A mailbox, a message, and all that is done with it."""
    is_so, ask = it.is_so, it.ask
    for mailbox in ("5001", "5002"):
        made = ask("PUT", f"/v1/mailboxes/{mailbox}", {"kind": "personal", "user": "alice"})
        is_so(made, 201)
    path = "/v1/mailboxes/5001/messages"
    sent = {"Content_Type": "audio/wav", "Voicemail_Caller_Id": "+4930123456", "Voicemail_Call_Id": "call-1"}
    sent["Voicemail_Received_At"] = ago()
    speech = SPEECH.read_bytes()
    message = is_so(ask("POST", path, speech, **sent), 201)
    assert is_so(ask("POST", path, speech, **sent), 200)["id"] == message["id"], "a repeat is the same message"
    assert is_so(ask("GET", "/v1/mailboxes/5001/mwi"), 200)["new"] == 1
    assert [found["id"] for found in it.messages()] == [message["id"]]
    this = f"{path}/{message['id']}"
    played = ask("GET", f"{this}/audio")
    assert played.status == 307, played
    heard = send(played.headers["Location"])
    assert heard.status == 200 and heard.body == speech, heard
    assert is_so(ask("PUT", f"{this}/read"), 200)["folder"] == "old"
    assert is_so(ask("GET", "/v1/mwi"), 200)["mailboxes"][0]["old"] == 1
    is_so(ask("DELETE", this), 200)
    assert it.messages() == []
    # The trash window is a second here: it is back, or the schedule was quicker.
    undone = ask("POST", f"{this}/undo")
    assert undone.status in (200, 410), undone
    is_so(ask("GET", "/readyz"), 200)
    is_so(ask("GET", "/nothing"), 404)
    assert ask("GET", path, roles=("deposit",)).status == 403
    return message["id"]


def routed(it):
    """Each operation of the document reaches the function of its name."""
    resources = parts.template()["Resources"]
    crates = {f"{name}Integration": its["Properties"]["CodeUri"].split("/")[-1] for name, its in resources.items()
              if its["Type"] == "AWS::Serverless::Function"}
    routes = {}
    for its in resources.values():
        if its["Type"] == "AWS::ApiGatewayV2::Route":
            target = its["Properties"]["Target"]["Fn::Sub"].removeprefix("integrations/${").removesuffix("}")
            routes[its["Properties"]["RouteKey"]] = crates[target]
    document = it.is_so(it.ask("GET", "/openapi.json"), 200)
    operations = [(method.upper(), path, its["tags"][0]) for path, methods in document["paths"].items()
                  for method, its in methods.items() if method in ("get", "put", "post", "delete")]
    assert len(operations) >= 22, operations
    for method, path, function in operations:
        reached = routes.get(f"{method} {path}", routes.get(f"ANY {path}"))
        assert reached == function, f"{method} {path} reaches {reached} and not {function}"


def by_drop(it):
    """Recordings that a platform drops into the bucket."""
    facts = {"caller-id": "+4930555666", "caller-name": "J%C3%BCrgen", "call-id": "dropped-1", "urgent": "true"}
    facts["received-at"] = ago()
    it.drop("5002/call 1+2 Müller.wav", **facts)
    [message] = until("a drop is a message", lambda: it.messages("5002"))
    assert message["urgent"] and message["caller_name"] == "Jürgen", message
    until("the drop is taken away", lambda: not it.keys("incoming/"))

    # The event again, and one of the same call that comes late: nothing more.
    failed, answer = it.invoke("Deposit", s3_event(it.bucket, "incoming/t1/5002/call 1+2 Müller.wav"))
    assert not failed, answer
    it.drop("5002/again.wav", **facts)
    until("the second drop of a call is taken away", lambda: not it.keys("incoming/"))
    assert len(it.messages("5002")) == 1

    it.drop("nobody/x.wav")
    [rejected] = until("a drop for nobody is rejected", lambda: it.keys("rejected/"))
    why = it.s3.head_object(Bucket=it.bucket, Key=rejected)["Metadata"]
    assert "not-found" in why.values(), why
    assert not it.keys("incoming/")

    for malformed in ({}, {"Records": [{"eventSource": "aws:sqs"}]}, {"Records": [{"eventSource": "aws:s3", "s3": {}}]}):
        failed, answer = it.invoke("Deposit", malformed)
        assert failed, (malformed, answer)
    # What a client sends is a request, whatever it looks like.
    forged = it.ask("POST", "/v1/mailboxes/5002/messages", s3_event(it.bucket, "incoming/t1/5002/x.wav"))
    assert forged.status == 415, forged

    asked = it.ask("POST", "/v1/mailboxes/5002/uploads", {"caller_id": "+4930777888"})
    link = it.is_so(asked, 201)
    put = send(link["url"], link["method"], SPEECH.read_bytes(), link["headers"])
    assert put.status == 200, put
    until("an upload is a message", lambda: link["id"] in [found["id"] for found in it.messages("5002")])


def by_schedule(it, deleted):
    """What is due is purged when the schedule says so."""
    gone = f"/v1/mailboxes/5001/messages/{deleted}"
    it.ask("DELETE", gone)
    until("the schedule sweeps", lambda: it.ask("GET", gone).status == 404, 3 * SCHEDULE)
    assert it.ask("POST", f"{gone}/undo").status == 410
    recordings = [key for key in it.keys("") if not key.startswith(("incoming/", "rejected/"))]
    assert len(recordings) == 2, recordings


def main():
    sam, port = sys.argv[1], parts.free_port()
    endpoint = f"http://127.0.0.1:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
    os.environ.update(keys)
    env = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "AWS_ENDPOINT_URL": endpoint, "MINISTACK_REGION": REGION}
    with parts.running([sys.executable, "-m", "ministack"], port, env):
        import boto3

        secrets = {"subject_key": parts.SUBJECT_KEY, "token_secret": parts.TOKEN_SECRET, "certificate_key": parts.certificate_key()}
        manager = boto3.client("secretsmanager", region_name=REGION, endpoint_url=endpoint)
        manager.create_secret(Name="voicemail", SecretString=json.dumps(secrets))
        begun = time.monotonic()
        deploy(sam, os.environ | {"AWS_ENDPOINT_URL": endpoint, "SAM_CLI_TELEMETRY": "0"})
        it = Deployed(port)
        print(f"deployed in {time.monotonic() - begun:.0f} s")
        routed(it)
        deleted = over_http(it)
        by_drop(it)
        by_schedule(it, deleted)
        print(f"used: {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
