#!/usr/bin/env python3
"""Each function under its own policy of the template and nothing else: all that it does works, and no action is in the
policy that nothing needs. And each alarm watches a number that some function told meanwhile.

    tests/aws/privileges.py PROGRAMS [FUNCTION…]      where they are built: <function>/bootstrap

moto decides by policies as IAM does. What it cannot show: that HeadObject tells 404 only to who may list the bucket (so
that `s3:ListBucket` stays where an object is looked for, see NOT_SHOWN), conditions on tags, KMS, and the log.
"""

import contextlib
import json
import re
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import alarms
import boto3
import parts
from parts import BUCKET, REGION, SPEECH, TABLE, ago, send
from runtime import Failed, Function

# A tenant for each journey, so that none meets another's messages.
TENANTS = [f"t{n}" for n in range(200)]
# So many mailboxes that some have their turn to be tidied in any run: 2 of 288 have it.
MANY = 1200
# Who calls, where a journey does not say.
CALLER = "+4930123456"
# What may be the first of an installation to start.
STORING = {"deposit", "sweep"}
# What AWS asks for and moto does not, and what only a race needs.
NOT_SHOWN = {
    ("Deposit", "s3:PutObjectTagging"),  # for the tags of a put
    ("ForgetMe", "s3:PutObjectTagging"),  # for the tags of a copy
    ("Undo", "s3:GetObject"), ("Undo", "s3:PutObject"),  # another case came while a message of it was pardoned
    ("Deposit", "s3:GetBucketObjectLockConfiguration"), ("Sweep", "s3:GetBucketObjectLockConfiguration"),
}
NAMES = {
    "${AWS::Partition}": "aws", "${AWS::AccountId}": "123456789012", "${AWS::Region}": REGION,
    "${TableName}": TABLE, "${BucketName}": "voicemail",
}


def policy(function):
    """The statements of a function of the template: lists of actions, each with its resource."""
    [its] = function["Properties"]["Policies"]
    for statement in its["Statement"]:
        action, resource = statement["Action"], statement["Resource"]["Fn::Sub"]
        for name, value in NAMES.items():
            resource = resource.replace(name, value)
        assert "${" not in resource, resource
        yield ([action] if isinstance(action, str) else list(action)), resource


def as_moto_has_it(actions):
    """A transaction is allowed by IAM to who may do each step of it; moto wants its own name."""
    if {"dynamodb:PutItem", "dynamodb:DeleteItem"} <= set(actions):
        return [*actions, "dynamodb:TransactWriteItems"]
    return actions


class World:
    """The account: its table and bucket as the template has them, and who may do everything."""

    def __init__(self, port, programs):
        self.endpoint, self.programs = f"http://127.0.0.1:{port}", programs
        self.certificate_key, self.tenants, self.lock = parts.certificate_key(), iter(TENANTS), threading.Lock()
        self.starting, self.told = threading.Lock(), set()
        self.iam, self.s3, self.db = (self.client(service) for service in ("iam", "s3", "dynamodb"))
        parts.furnish(self.db, self.s3)
        self.root = self.user([(["*"], "*")])
        # From here on every request is judged.
        judged = send(f"{self.endpoint}/moto-api/reset-auth", "POST", b"0", {"Content-Type": "text/plain"})
        assert judged.status == 200, judged
        for name in ("iam", "s3", "db"):
            service = {"db": "dynamodb"}.get(name, name)
            setattr(self, name, self.client(service, self.root))

    def client(self, service, keys=("root", "root")):
        names = dict(zip(("aws_access_key_id", "aws_secret_access_key"), keys, strict=True))
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, **names)

    def user(self, statements):
        """The keys of somebody who may do this."""
        name = uuid.uuid4().hex
        allowed = [{"Effect": "Allow", "Action": as_moto_has_it(actions), "Resource": place}
                   for actions, place in statements if actions]
        self.iam.create_user(UserName=name)
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        if allowed:
            self.iam.put_user_policy(UserName=name, PolicyName="its", PolicyDocument=document)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    @contextlib.contextmanager
    def started(self, crate, keys, tenant):
        """A function, once it answers. Where it stores, it is the first of the installation and keeps the key's check:
        before another starts, or it would find that one's."""
        check = {"TableName": TABLE, "Key": {"pk": {"S": "#kept"}, "sk": {"S": "subject-key-check"}}}
        with contextlib.ExitStack() as running:
            with self.starting:
                self.db.delete_item(**check)
                function = Asked(running.enter_context(self.function(crate, keys, [tenant])), tenant)
                is_so(function.ask("GET", "/nothing"), 404)
                if crate in STORING and "Item" not in self.db.get_item(**check):
                    raise Failed("the key's check was not kept")
            yield function

    def items(self, pk):
        query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": pk}}}
        return self.db.query(TableName=TABLE, **query)["Items"]

    def more_mailboxes(self, pk, like):
        """Mailboxes like this one, without a retention."""
        [one] = [it for it in self.items(pk) if it["sk"]["S"] == like]
        text = json.dumps(one).replace('\\"retention_days\\":1', '\\"retention_days\\":null')
        self.write([{"PutRequest": {"Item": json.loads(text.replace(like, f"m{n}"))}} for n in range(MANY)])

    def forget_tenant(self, tenant):
        """Takes away what most of a tenant is: the emulator looks at all that is there for each question."""
        for pk in (f"{tenant}#mailbox", f"{tenant}#case"):
            keys = [{"pk": it["pk"], "sk": it["sk"]} for it in self.items(pk)]
            self.write([{"DeleteRequest": {"Key": key}} for key in keys])

    def write(self, requests):
        for at in range(0, len(requests), 25):
            self.db.batch_write_item(RequestItems={TABLE: requests[at : at + 25]})

    def change_cases(self, tenant, changes):
        """Changes what is stored of cases, as if time had passed or something had been cut off."""
        for item in self.items(f"{tenant}#case"):
            text = json.dumps(item)
            [name] = [name for name in changes if f'\\"case_id\\":\\"{name}\\"' in text]
            for before, after in changes[name]:
                text, times = re.subn(before.replace('"', r'\\"'), after.replace('"', r'\\"'), text)
                assert times, (name, before, text)
            self.db.put_item(TableName=TABLE, Item=json.loads(text))

    def untag(self, keys):
        for key in keys:
            self.s3.delete_object_tagging(Bucket=BUCKET, Key=key)

    def function(self, crate, keys, tenants):
        """A function that runs with these keys, for these tenants."""
        env = parts.environment(self.endpoint, tenants, self.certificate_key, keys)
        env["VOICEMAIL_TRASH_WINDOW"] = "1s"
        return Function(f"{self.programs}/{crate}/bootstrap", env)


def is_so(answer, status):
    if answer.status != status:
        raise Failed(f"{answer} is not {status}")
    return answer.json() if answer.body[:1] in (b"{", b"[") else answer.body


class Asked:
    """A function, asked by users of a tenant."""

    def __init__(self, function, tenant, lock=None):
        self.function, self.tenant, self.lock = function, tenant, lock or threading.Lock()

    def ask(self, *args, **more):
        with self.lock:
            return self.function.ask(*args, tenant=self.tenant, **more)

    def invoke(self, event):
        with self.lock:
            return self.function.invoke(event)


class Mailbox:
    """A mailbox of its own for a journey, and what others do to it."""

    def __init__(self, world, admin, **settings):
        self.world, self.admin, self.id = world, admin, uuid.uuid4().hex[:12]
        self.path = f"/v1/mailboxes/{self.id}"
        is_so(admin.ask("PUT", self.path, {"kind": "personal", "user": "alice", "settings": settings}), 201)

    def message(self, **headers):
        """A message that others left."""
        return is_so(self.deposit(self.admin, **headers), 201)["id"]

    def deposit(self, function, **headers):
        headers = {"content_type": "audio/wav", "voicemail_caller_id": CALLER} | headers
        return function.ask("POST", f"{self.path}/messages", SPEECH.read_bytes(), **headers)

    def this(self, message, rest=""):
        return f"{self.path}/messages/{message}{rest}"

    def recordings(self):
        """The keys of its recordings."""
        pages = self.world.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [it["Key"] for page in pages for it in page.get("Contents", []) if f".{self.id}." in it["Key"]]


def deposit(world, admin, function):
    mailbox = Mailbox(world, admin, max_messages=3)
    call = {"voicemail_call_id": "c", "voicemail_received_at": ago(minutes=1)}
    message = is_so(mailbox.deposit(function, **call), 201)["id"]
    assert is_so(mailbox.deposit(function, **call), 200)["id"] == message
    # A drop, and one that can never be deposited.
    for name, status in ((f"{mailbox.id}/a b.wav", "incoming"), ("nobody/c.wav", "rejected")):
        key = f"incoming/{function.tenant}/{name}"
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=SPEECH.read_bytes(), Metadata={"caller-id": "+4930123457"})
        place = {"bucket": {"name": BUCKET}, "object": {"key": key.replace(" ", "+")}}
        function.invoke({"Records": [{"eventSource": "aws:s3", "s3": place}]})
        left = world.s3.list_objects_v2(Bucket=BUCKET, Prefix=key).get("KeyCount", 0)
        assert left == 0, (status, key)
    assert len(mailbox.recordings()) == 2
    link = is_so(function.ask("POST", f"{mailbox.path}/uploads", {"caller_id": "+4930123458"}), 201)
    put = send(link["url"], link["method"], SPEECH.read_bytes(), link["headers"])
    if put.status != 200:
        raise Failed(repr(put))
    is_so(mailbox.deposit(function), 201)
    # Full: what the refused try made is taken back.
    is_so(mailbox.deposit(function), 409)
    assert len(mailbox.recordings()) == 3, mailbox.recordings()
    function.invoke({"source": "aws.events"})


def list_(world, admin, function):
    mailbox = Mailbox(world, admin)
    message = mailbox.message()
    [listed] = is_so(function.ask("GET", f"{mailbox.path}/messages"), 200)["messages"]
    assert listed["id"] == message
    is_so(function.ask("GET", mailbox.this(message)), 200)
    is_so(function.ask("GET", f"{mailbox.path}/messages?folder=trash"), 200)


def play(world, admin, function):
    mailbox = Mailbox(world, admin)
    message = mailbox.message()
    answer = function.ask("GET", mailbox.this(message, "/audio"))
    is_so(answer, 307)
    heard = send(next(value for name, value in answer.headers.items() if name.lower() == "location"))
    if heard.status != 200:
        raise Failed(repr(heard))
    is_so(function.ask("GET", mailbox.this(message, "/audio?link=1")), 200)


def mark_read(world, admin, function):
    mailbox = Mailbox(world, admin)
    message = mailbox.message()
    assert is_so(function.ask("PUT", mailbox.this(message, "/read")), 200)["folder"] == "old"
    assert is_so(function.ask("DELETE", mailbox.this(message, "/read")), 200)["folder"] == "new"
    several = function.ask("POST", f"{mailbox.path}/messages/read", {"ids": [message], "read": True})
    assert is_so(several, 200)["succeeded"] == [message]


def delete(world, admin, function):
    mailbox = Mailbox(world, admin)
    one, other = mailbox.message(), mailbox.message()
    is_so(function.ask("DELETE", mailbox.this(one)), 200)
    several = function.ask("POST", f"{mailbox.path}/messages/delete", {"ids": [other]})
    assert is_so(several, 200)["succeeded"] == [other]


def forget(function, case, caller):
    """A request to forget a caller: its answer."""
    return is_so(function.ask("POST", "/v1/gdpr/forgetme", {"caseid": case, "consumers": [caller]}), 202)


def tags(world, mailbox):
    """The names of the tags of its recordings."""
    of = [world.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"] for key in mailbox.recordings()]
    return {tag["Key"] for its in of for tag in its}


def undo(world, admin, function):
    mailbox = Mailbox(world, admin)
    message = mailbox.message()
    is_so(admin.ask("DELETE", mailbox.this(message)), 200)
    assert is_so(function.ask("POST", mailbox.this(message, "/undo")), 200)["folder"] == "new"
    for name, body in (("undoforget", {"caseid": "1"}), ("undoforgot", {"consumers": [CALLER]})):
        forget(admin, "1" if "caseid" in body else "2", CALLER)
        assert "forget" in tags(world, mailbox)
        answer = is_so(function.ask("POST", f"/v1/gdpr/{name}", body), 200)
        assert answer["regions"] == [{"region": REGION, "master": True, "messages": 1, "reached": True}], answer
        assert "forget" not in tags(world, mailbox)


def forgetme(world, admin, function):
    mailbox = Mailbox(world, admin)
    mailbox.message()
    for _ in range(2):
        answer = forget(function, "1", CALLER)
        assert (answer["status"], answer["regions"][0]["reached"]) == ("pending", True), answer
        assert answer["consumers"][CALLER]["messages"] == 1, answer
    assert "forget" in tags(world, mailbox)
    assert is_so(function.ask("GET", "/v1/gdpr/cases/1"), 200)["status"] == "pending"
    assert len(is_so(function.ask("GET", "/v1/gdpr/cases"), 200)["cases"]) == 1
    assert is_so(function.ask("GET", "/v1/gdpr/regions"), 200)["regions"][0]["up"]


def exportme(world, admin, function):
    mailbox = Mailbox(world, admin)
    message = mailbox.message()
    forget(admin, "1", CALLER)
    files = is_so(function.ask("POST", "/v1/gdpr/exportme", {"consumers": [CALLER]}), 200)["files"]
    for more in ("", f"?mailbox={mailbox.id}"):
        answer = function.ask("GET", files[f"{message}.wav"]["url"] + more)
        is_so(answer, 307)
        heard = send(next(value for name, value in answer.headers.items() if name.lower() == "location"))
        if heard.status != 200:
            raise Failed(repr(heard))


def mwi_count(world, admin, function):
    mailbox = Mailbox(world, admin)
    mailbox.message()
    assert is_so(function.ask("GET", f"{mailbox.path}/mwi"), 200)["new"] == 1
    mine = is_so(function.ask("GET", "/v1/mwi"), 200)["mailboxes"]
    assert mailbox.id in [its["mailbox"] for its in mine]


def mailboxes(world, admin, function):
    path, group = (f"/v1/{kind}/{uuid.uuid4().hex[:12]}" for kind in ("mailboxes", "groups"))
    is_so(function.ask("PUT", path, {"kind": "personal", "user": "alice"}), 201)
    is_so(function.ask("PUT", path, {"kind": "personal", "user": "alice", "name": "Alice"}), 200)
    is_so(function.ask("PUT", group, {"members": ["alice"]}), 201)
    for read in (path, group, "/v1/mailboxes", "/v1/groups"):
        is_so(function.ask("GET", read), 200)
    for deleted in (path, group):
        is_so(function.ask("DELETE", deleted), 204)
    is_so(function.ask("PUT", path, {"kind": "personal", "user": "alice"}), 201)


def sweep(world, admin, function):
    tenant = function.tenant
    mailbox = Mailbox(world, admin, retention_days=1)
    received = (ago(), ago(), ago(days=2), ago(), ago())
    due, overdue, late, cut_off, orphan = (mailbox.message(voicemail_received_at=at) for at in received)
    purge_at = is_so(admin.ask("DELETE", mailbox.this(due)), 200)["purge_at"]
    # Two deposits that were cut off before their birth; of one the journal is lost, too, and its hour is over.
    of_mailbox = {"pk": {"S": f"{tenant}#m#{mailbox.id}"}}
    for message in (cut_off, orphan):
        world.db.delete_item(TableName=TABLE, Key=of_mailbox | {"sk": {"S": message}})
    for journal in world.items(f"{tenant}#arriving"):
        if journal["sk"]["S"].startswith(cut_off):
            world.db.put_item(TableName=TABLE, Item=journal | {"f": {"S": "0" * 13}})
        elif journal["sk"]["S"].startswith(orphan):
            world.db.delete_item(TableName=TABLE, Key={name: journal[name] for name in ("pk", "sk")})
    [key] = [key for key in mailbox.recordings() if orphan in key]
    old = re.sub(r"/\d{10}/", "/2026010100/", key)
    world.s3.copy_object(Bucket=BUCKET, Key=old, CopySource={"Bucket": BUCKET, "Key": key})
    world.s3.delete_object(Bucket=BUCKET, Key=key)
    world.more_mailboxes(f"{tenant}#mailbox", mailbox.id)
    # A case that could not hide everything, one that was undone and not everything was back, and one that is due.
    others = {case: Mailbox(world, admin) for case in ("hiding", "undone", "due")}
    for number, (case, its) in enumerate(others.items()):
        its.message(voicemail_caller_id=f"+493099{number}")
        forget(admin, case, f"+493099{number}")
    world.change_cases(tenant, {
        "hiding": [('"status":"pending"', '"status":"hiding"')],
        "undone": [('"status":"pending"', '"status":"undone"'), (r'":false', '":true')],
        "due": [(r'"claim_from":"[^"]*"', '"claim_from":"2026-01-01T00:00:00.000Z"')],
    })
    world.untag(others["hiding"].recordings())
    while ago() <= purge_at:
        time.sleep(0.05)
    # Another one was due twenty minutes ago.
    is_so(admin.ask("DELETE", mailbox.this(overdue)), 200)
    item = world.db.get_item(TableName=TABLE, Key=of_mailbox | {"sk": {"S": overdue}})["Item"]
    then = int(item["t"]["N"]) - 20 * 60 * 1000
    item |= {"t": {"N": str(then)}, "due": {"S": f"{then:013}{item['due']['S'][13:]}"}}
    world.db.put_item(TableName=TABLE, Item=item)
    function.invoke({"source": "aws.events"})
    left = mailbox.recordings()
    assert len(left) == 1 and late in left[0], left
    assert world.db.get_item(TableName=TABLE, Key=of_mailbox | {"sk": {"S": late}})["Item"]["f"]["S"].startswith("t#")
    assert not any(it["sk"]["S"].startswith(cut_off) for it in world.items(f"{tenant}#arriving"))
    assert "forget" in tags(world, others["hiding"]) and "forget" not in tags(world, others["undone"])
    assert is_so(admin.ask("GET", "/v1/gdpr/cases/due"), 200)["certificate"] and not others["due"].recordings()
    # What cannot be read fails the invocation, which an alarm watches.
    damaged = of_mailbox | {"sk": {"S": cut_off}, "tenant": {"S": tenant}, "facts": {"S": "rubbish"}}
    world.db.put_item(TableName=TABLE, Item=damaged | {"due": {"S": f"{0:013}.t.{cut_off}.{mailbox.id}"}})
    with contextlib.suppress(Failed):
        function.invoke({"source": "aws.events"})
        raise AssertionError("a sweep that cannot do all succeeds")


def about(world, admin, function):
    is_so(function.ask("GET", "/healthz"), 200)
    is_so(function.ask("GET", "/readyz"), 200)
    assert is_so(function.ask("GET", "/openapi.json"), 200)["paths"]
    assert is_so(function.ask("GET", "/.well-known/voicemail-jwks.json"), 200)["keys"]
    is_so(function.ask("GET", "/nothing"), 404)


JOURNEYS = {
    "Deposit": deposit, "List": list_, "Play": play, "MarkRead": mark_read, "Delete": delete, "Undo": undo,
    "MwiCount": mwi_count, "Mailboxes": mailboxes, "ForgetMe": forgetme, "ExportMe": exportme, "Sweep": sweep, "About": about,
}


def journey(world, admin, name, crate, statements):
    """What kept a function from doing all that it is for."""
    tenant = next(world.tenants)
    try:
        with world.started(crate, world.user(statements), tenant) as function:
            JOURNEYS[name](world, Asked(admin, tenant, world.lock), function)
    except (Failed, AssertionError) as error:
        return repr(error)
    finally:
        world.forget_tenant(tenant)
    world.told |= set(alarms.told(function.function.log))
    return None


def without(statements):
    """Each action, and the statements without it."""
    for at, (actions, place) in enumerate(statements):
        for action in actions:
            less = [it for it in actions if it != action]
            yield f"{action} on {place}", [*statements[:at], (less, place), *statements[at + 1 :]]


def main():
    programs, *wanted = sys.argv[1:]
    template, port = parts.template(), parts.free_port()
    functions = {
        name: it for name, it in template["Resources"].items()
        if it["Type"] == "AWS::Serverless::Function" and (not wanted or name in wanted)
    }
    faults, tried = [], 0
    # moto lets so many requests pass before it judges.
    env = {"INITIAL_NO_AUTH_ACTION_COUNT": "1000000"}
    with parts.running([sys.executable, str(Path(__file__).with_name("judge.py")), "-H", "127.0.0.1", "-p", str(port)], port, env):
        world = World(port, programs)
        with world.function("gateway", world.root, TENANTS) as admin, ThreadPoolExecutor(3) as pool:
            for name, function in functions.items():
                crate, statements = function["Properties"]["CodeUri"].split("/")[-1], list(policy(function))
                if why := journey(world, admin, name, crate, statements):
                    faults.append(f"{name} cannot do its work under its own policy: {why}")
                    continue
                less = list(without(statements))
                reasons = pool.map(lambda it, n=name, c=crate: journey(world, admin, n, c, it[1]), less)
                for (action, _), why in zip(less, reasons, strict=True):
                    tried += 1
                    if why is None and (name, action.split(" ")[0]) not in NOT_SHOWN:
                        faults.append(f"{name} does not need {action}")
                print(f"{name}: {len(less)} actions", flush=True)
    # Alarms hear what functions tell; of some of them, not all was told.
    faults += [] if wanted else alarms.deaf(template, world.told)
    if faults:
        sys.exit("\n".join(faults))
    print(f"{len(functions)} functions need {tried} actions, each of them")


if __name__ == "__main__":
    main()
