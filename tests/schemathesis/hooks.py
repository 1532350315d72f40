"""What the document cannot say of a body: recordings, whole and broken ones."""

import os
from pathlib import Path

import schemathesis
from hypothesis import strategies

SPEECH = Path(os.environ["VOICEMAIL_SPEECH"]).read_bytes()
RECORDINGS = strategies.one_of(
    strategies.just(SPEECH),
    strategies.integers(0, len(SPEECH)).map(lambda end: SPEECH[:end]),
    strategies.binary(max_size=200),
)

schemathesis.openapi.media_type("audio/*", RECORDINGS)


@schemathesis.serializer("audio/*")
def recording(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.deserializer("audio/*")
def bytes_of(_context, response):
    return response.content.decode("latin-1")
