"""What the tests of the template share: emulators, the template's own text, tokens, requests."""

import contextlib
import datetime
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests"))
import bearer  # noqa: E402

# As infra/build joins it.
TEMPLATE = ROOT / "target" / "template.yaml"
SPEECH = ROOT / "tests" / "recordings" / "hello.wav"
REGION = "eu-central-1"
TABLE, BUCKET = "voicemail", f"voicemail-{REGION}"
TOKEN_SECRET = "a token secret for these tests alone, 32+"
SUBJECT_KEY = "a subject key for these tests alone, 32 or more"
ROLES = ("agent", "deposit", "admin", "privacy")
# How long an emulator may take to start on a machine that is busy.
PATIENCE = 60


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def running(command, port, env):
    """A program until the block ends, once it takes connections."""
    with tempfile.TemporaryFile("w+") as log:
        child = subprocess.Popen(command, env=os.environ | env, stdout=log, stderr=log)
        try:
            until = time.monotonic() + PATIENCE
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                if child.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    sys.exit(f"{command[0]} does not start:\n{log.read()}")
                time.sleep(0.05)
            yield
        finally:
            child.kill()
            child.wait()


def certificate_key():
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True, text=True)
    return made.stdout


def tenant(name):
    """A tenant as VOICEMAIL_TENANTS has it."""
    return {"tenant": name, "country": "DE", "master": REGION, "regions": [REGION]}


def token(roles=ROLES, tenant="t1"):
    return bearer.token(TOKEN_SECRET, tenant, roles)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def send(url, method="GET", body=None, headers=None, timeout=30):
    """A request, whatever it is answered; redirects are not followed."""
    # Else urllib would call any body a form.
    kind = {} if body is None else {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url, body, kind | (headers or {}), method=method)
    try:
        with OPENER.open(request, timeout=timeout) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        return Answer(answer.code, answer.headers, answer.read())


def ago(**how_long):
    """That time, as the service writes times."""
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(**how_long)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def furnish(database, bucket):
    """Makes the table and the bucket of the template, by clients of DynamoDB and S3."""
    # Without what the template's reader remembers of it.
    its = json.loads(json.dumps(template()["Resources"]["Table"]["Properties"]))
    kept = ("BillingMode", "KeySchema", "AttributeDefinitions", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")
    database.create_table(TableName=TABLE, **{name: its[name] for name in kept})
    bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})


def environment(endpoint, tenants, certificate_key, keys):
    """What a function of these tenants is started with, and asks the storage with these keys."""
    return {
        "AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1], "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": REGION,
        "VOICEMAIL_STORAGE": "aws", "VOICEMAIL_TABLE": TABLE, "VOICEMAIL_BUCKETS": json.dumps({REGION: BUCKET}),
        "VOICEMAIL_REGION": REGION, "VOICEMAIL_TENANTS": json.dumps([tenant(name) for name in tenants]),
        "VOICEMAIL_TOKEN_SECRET": TOKEN_SECRET, "VOICEMAIL_SUBJECT_KEY": SUBJECT_KEY,
        "VOICEMAIL_CERTIFICATE_KEY": certificate_key,
    }


def template():
    """The template, with its functions of CloudFormation as one-entry objects."""
    from cfnlint.decode import cfn_yaml

    return cfn_yaml.load(str(TEMPLATE))
