"""moto as a server that judges as IAM does where it does not by itself: requests to DynamoDB by their table and index, and
signed links by who signed them (but not whether they did, which it does only for signatures in a header)."""

import json
import sys
from urllib.parse import parse_qs, urlsplit

from moto.core.authorization import ActionAuthenticatorMixin
from moto.dynamodb.responses import DynamoHandler
from moto.iam import access_control
from moto.iam.access_control import S3IAMRequest
from moto.server import main


def tables(body):
    """Of which table a request is, and of which index."""
    named = [body] if "TableName" in body else []
    named += [{"TableName": name} for name in body.get("RequestItems", {})]
    named += [step for it in body.get("TransactItems", []) for step in it.values()]
    [(table, index)] = {(it["TableName"], it.get("IndexName")) for it in named} or {("*", None)}
    return f"table/{table}/index/{index}" if index else f"table/{table}"


def judge(self, _resource="*"):
    of = tables(json.loads(self.raw_body or "{}"))
    resource = f"arn:aws:dynamodb:{self.region}:{self.current_account}:{of}"
    ActionAuthenticatorMixin._authenticate_and_authorize_normal_action(self, resource)


class LinkRequest(S3IAMRequest):
    def __init__(self, **request):
        signed = parse_qs(urlsplit(request["path"]).query).get("X-Amz-Credential")
        self.is_link = signed is not None
        if self.is_link:
            request["headers"] = {**request["headers"], "Authorization": f"Credential={signed[0]},"}
        super().__init__(**request)

    def check_signature(self):
        if not self.is_link:
            super().check_signature()


access_control.S3IAMRequest = LinkRequest
DynamoHandler._authenticate_and_authorize_normal_action = judge

if __name__ == "__main__":
    main(sys.argv[1:])
