"""What each function of AWS does, as its users and its events ask for it: the journeys of the privileges."""

import contextlib
import re
import threading
import time
import uuid

from parts import BUCKET, REGION, SPEECH, TABLE, ago, send
from runtime import Failed

# Who calls, where a journey does not say.
CALLER = "+4930123456"


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
    # Whom a case forgets: hidden from its commit on, so that it takes no room, and its deletion scheduled.
    forget(admin, "1", "+4930123459")
    is_so(mailbox.deposit(function, voicemail_caller_id="+4930123459"), 201)
    assert "forget" in tags(world, mailbox)
    # Whom a case has begun to erase: refused for good, and nothing is left of it.
    forget(admin, "2", "+4930123460")
    world.change_cases(function.tenant, {"1": [], "2": [('"status":"pending"', '"status":"erasing"')]})
    is_so(mailbox.deposit(function, voicemail_caller_id="+4930123460"), 410)
    assert len(mailbox.recordings()) == 3, mailbox.recordings()
    is_so(mailbox.deposit(function), 201)
    # Full: what the refused try made is taken back.
    is_so(mailbox.deposit(function), 409)
    assert len(mailbox.recordings()) == 4, mailbox.recordings()
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
    taken = mailbox.this(message, "/taken")
    assert is_so(function.ask("PUT", taken), 200)["taken"]["by"]
    assert is_so(function.ask("DELETE", taken), 200)["taken"] is None
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
    # Two deposits that were cut off before their commit; of one the journal is lost, too, and its hour is over.
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
