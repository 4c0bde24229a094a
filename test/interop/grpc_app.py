"""An application with gRPC's own xDS client in it, in Python; grpc-app.ts is the same one in Node.

Serves on ADDRESS given as `serve ADDRESS NAME`, and makes the calls that come as lines of JSON:
{ target, say, timeoutMs } -> { code, text }.
"""

import json
import sys
import threading
import time
from concurrent import futures

import grpc
import grpc.experimental

METHODS = {"say": "/test.Echo/Say", "whisper": "/test.Echo/Whisper"}
failed = set()
channels = {}
lock = threading.Lock()


class Echo(grpc.GenericRpcHandler):
    def __init__(self, name):
        self.name = name

    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            # HealthCheckResponse{ status = SERVING }
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"\x08\x01")
        if details.method not in METHODS.values():
            return None
        return grpc.unary_unary_rpc_method_handler(self.answer)

    def answer(self, request, context):
        """`fail-once KEY` fails the first time, `sleep MS` takes its time, all else is answered with the server's name."""
        verb, _, argument = request.decode().partition(" ")
        if verb == "fail-once" and argument not in failed:
            failed.add(argument)
            context.abort(grpc.StatusCode.UNAVAILABLE, "not the first time")
        if verb == "sleep":
            time.sleep(int(argument) / 1000)
        return self.name.encode()


def say(line):
    with lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def call(ask):
    target = ask["target"]
    with lock:
        if target not in channels:
            credentials = grpc.xds_channel_credentials(grpc.experimental.insecure_channel_credentials())
            channels[target] = grpc.secure_channel(target, credentials)
    method = channels[target].unary_unary(METHODS[ask.get("method", "say")])
    try:
        answer = method(
            ask["say"].encode(),
            timeout=ask.get("timeoutMs", 5000) / 1000,
            metadata=list(ask.get("headers", {}).items()),
        )
        say({"id": ask["id"], "code": "OK", "text": answer.decode()})
    except grpc.RpcError as error:
        say({"id": ask["id"], "code": error.code().name, "text": error.details()})


def attempt(ask):
    try:
        call(ask)
    except Exception as error:
        say({"id": ask["id"], "code": "BROKEN", "text": repr(error)})


def main():
    if sys.argv[1:2] == ["serve"]:
        _, _, address, name = sys.argv
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), handlers=[Echo(name)], xds=True)
        credentials = grpc.xds_server_credentials(grpc.insecure_server_credentials())
        server.add_secure_port(address, credentials)
        server.start()
    say("ready")
    pool = futures.ThreadPoolExecutor(max_workers=16)
    for line in sys.stdin:
        pool.submit(attempt, json.loads(line))


main()
