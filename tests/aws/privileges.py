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
from journeys import JOURNEYS, Asked, is_so
from parts import BUCKET, REGION, TABLE, send
from runtime import Failed, Function

# A tenant for each journey, so that none meets another's messages.
TENANTS = [f"t{n}" for n in range(200)]
# So many mailboxes that some have their turn to be tidied in any run: 2 of 288 have it.
MANY = 1200
# What may be the first of an installation to start.
STORING = {"deposit", "sweep"}
# What AWS asks for and moto does not, and what only a race needs.
NOT_SHOWN = {
    ("Deposit", "s3:PutObjectTagging"),  # for the tags of a put
    ("ForgetMe", "s3:PutObjectTagging"),  # for the tags of a copy
    ("Undo", "s3:GetObject"), ("Undo", "s3:PutObject"),  # another case came while the deletion of its recording was cancelled
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
