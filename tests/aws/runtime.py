"""A function of AWS Lambda as a process, and the runtime API that it asks for its next event (2018-06-01)."""

import base64
import http.server
import json
import os
import queue
import subprocess
import threading
import urllib.parse

from parts import ROLES, Answer, token

# Longer than any event may take here.
LIMIT = 120


class Failed(Exception):
    """The function did not start, or answered that it failed."""


class Function:
    """A function that runs, for as long as the block lasts."""

    def __init__(self, program, env):
        self.program, self.env = program, env
        self.events, self.answers = queue.Queue(), queue.Queue()

    def __enter__(self):
        function = self

        class Api(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, body=b"{}", headers=()):
                self.send_response(200)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):  # …/invocation/next
                event = function.events.get()
                headers = [
                    ("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
                    ("Lambda-Runtime-Deadline-Ms", "99999999999999"),
                    ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:f"),
                ]
                self.reply(event, headers)

            def do_POST(self):  # …/invocation/<id>/response, …/error, /runtime/init/error
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                self.reply()
                function.answers.put((self.path.endswith("/response"), body))

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A function that is killed leaves its question for the next event open."""

        self.api = Server(("127.0.0.1", 0), Api)
        threading.Thread(target=self.api.serve_forever, daemon=True).start()
        env = self.env | {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_LOG_GROUP_NAME": "l", "AWS_LAMBDA_LOG_STREAM_NAME": "s",
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VOICEMAIL_"))}
        self.child = subprocess.Popen(
            [self.program], env=inherited | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.log = []
        self.reader = threading.Thread(target=lambda: self.log.extend(self.child.stdout), daemon=True)
        self.reader.start()
        threading.Thread(target=self.ended, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.reader.join()
        self.api.shutdown()
        self.api.server_close()

    def ended(self):
        self.child.wait()
        self.answers.put((False, b"the process ended"))

    def invoke(self, event):
        """What the function returns for an event."""
        self.events.put(json.dumps(event).encode())
        succeeded, body = self.answers.get(timeout=LIMIT)
        if not succeeded:
            raise Failed(body.decode() + "\n" + "".join(self.log[-5:]))
        return json.loads(body or b"null")

    def ask(self, method, path, body=None, tenant="t1", roles=ROLES, **headers):
        """A request as an HTTP API hands it over (payload format 2.0)."""
        path, _, query = path.partition("?")
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["authorization"] = f"Bearer {token(roles, tenant)}"
        if isinstance(body, dict):
            body, headers["content-type"] = json.dumps(body).encode(), "application/json"
        answer = self.invoke({
            "version": "2.0", "routeKey": "$default", "rawPath": urllib.parse.unquote(path), "rawQueryString": query,
            "headers": headers, "isBase64Encoded": body is not None,
            "body": base64.b64encode(body).decode() if body is not None else None,
            "requestContext": {
                "accountId": "1", "apiId": "a", "requestId": "r", "routeKey": "$default", "stage": "$default",
                "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1,
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            },
        })
        content = answer.get("body") or ""
        content = base64.b64decode(content) if answer.get("isBase64Encoded") else content.encode()
        return Answer(answer["statusCode"], answer["headers"], content)
