"""Bearer tokens, as an issuer signs them that shares a secret (HS256)."""

import base64
import hashlib
import hmac
import json
import time

# Half an hour, for the longest run.
LIFE = 1800


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token(secret, tenant, roles):
    claims = {"tenant": tenant, "sub": "alice", "groups": ["sales"], "roles": list(roles), "exp": int(time.time()) + LIFE}
    signed = ".".join(part(json.dumps(it).encode()) for it in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{part(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"
