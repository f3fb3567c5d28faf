"""Checks `portend` against a real server, through a proxy that records every exchange in FOLDER/wire.

Usage: real-check.py FOLDER, from the project's root. It fails with what is wrong, and ends with a table.
"""

import glob
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

FOLDER = os.path.abspath(sys.argv[1])
PORTEND = os.path.abspath("target/debug/portend")
KEY = "local-key"
REPLY_TOKENS_MAX = 450
EVENTS = int(os.environ.get("EVENTS", "8"))
FAILURES = []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """The language model, until it is stopped."""

    def __init__(self, context, key=KEY):
        self.port = free_port()
        command = [sys.executable, "scripts/real-server.py", str(self.port), str(context), key]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("READY"):
            sys.exit("the server did not start; run `scripts/real-server.py PORT CONTEXT` to see why")

    def stop(self):
        self.process.kill()
        self.process.wait()


class Proxy:
    """Passes requests on to the server, and records them with their responses."""

    def __init__(self, port, name):
        self.records = []
        self.name = name
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def version_string(self):
                # The server's own, by which `portend doctor` knows it.
                return "llama.cpp"

            def do_GET(self):
                self.pass_on("GET", None)

            def do_POST(self):
                self.pass_on("POST", self.rfile.read(int(self.headers["content-length"])))

            def pass_on(self, method, body):
                upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
                headers = {name: self.headers[name] for name in ("content-type", "authorization") if self.headers[name]}
                try:
                    upstream.request(method, self.path, body, headers)
                    response = upstream.getresponse()
                    answer = response.read()
                except OSError:
                    self.close_connection = True
                    return
                if body is not None:
                    proxy.record(json.loads(body), response.status, answer)
                self.send_response(response.status)
                self.send_header("content-type", response.headers["content-type"] or "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                try:
                    self.wfile.write(answer)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def record(self, request, status, answer):
        record = {"request": request, "status": status, "response": json.loads(answer)}
        record["response"].pop("timings", None)
        if "model" in record["response"]:
            record["response"]["model"] = "smollm2"
        self.records.append(record)
        path = os.path.join(FOLDER, "wire", f"{self.name}-{len(self.records)}.json")
        with open(path, "w") as file:
            json.dump(record, file, indent=1)


def portend(url, arguments, key=KEY, chain="local,scorecard"):
    """Runs the program in a folder of its own. Returns its lines of JSON."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "portend.toml"), "w") as file:
            file.write(f'chain = "{chain}"\n[models.local]\nbase_url = "{url}"\nmodel = "smollm2"\ntimeout = "7m"\n')
            file.write(f'api_key = "{key}"\n' if key else "")
        environment = {"HOME": folder, "PATH": os.environ["PATH"], "PORTEND_STORE": os.path.join(folder, "store.db")}
        run = subprocess.run(
            [PORTEND, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=1800
        )
    if "panicked" in run.stderr:
        sys.exit(run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()]


def check(holds, what):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    if not holds:
        FAILURES.append(what)


def attempts(lines):
    return [attempt for line in lines for attempt in line.get("insight", {}).get("attempts", [])]


def main():
    shutil.rmtree(os.path.join(FOLDER, "wire"), ignore_errors=True)
    os.makedirs(os.path.join(FOLDER, "wire"))
    samples = sorted(glob.glob("alert-types/*/samples/*/alert.json"))
    by_type = {}
    for sample in samples:
        by_type.setdefault(sample.split("/")[1], []).append(sample)
    # Two or more of a type, so that its prompt can be cached.
    chosen = [os.path.abspath(path) for paths in by_type.values() for path in paths[:3]][:EVENTS]

    server = Server(4096)
    proxy = Proxy(server.port, "alert")
    lines = portend(proxy.url, ["explain", "--json", "--concurrency", "1", *chosen])
    made = attempts(lines)
    bounded = [each for each in proxy.records if "maxLength" in json.dumps(each["request"].get("response_format"))]
    check(len(lines) == len(chosen), f"each of {len(chosen)} events has an outcome")
    check(all("insight" in line for line in lines), "each outcome is an insight")
    check(bool(bounded) and all(each["status"] == 200 for each in bounded), "the bounded schema is accepted")
    choices = [each["response"]["choices"][0] for each in bounded if each["status"] == 200]
    check(all(each["finish_reason"] == "stop" for each in choices), "each reply with it ends by `stop`")
    tokens = [each["response"]["usage"]["completion_tokens"] for each in bounded if each["status"] == 200]
    check(all(each < REPLY_TOKENS_MAX for each in tokens), f"each has fewer than {REPLY_TOKENS_MAX} tokens: {tokens}")
    seen, cached = set(), []
    for line in lines:
        kind = line["insight"]["prediction_type"]
        first = next(iter(line["insight"]["attempts"]), {})
        if kind in seen:
            cached.append(first.get("cached_tokens", 0))
        seen.add(kind)
    check(bool(cached) and all(cached), f"the later alerts of a type read cached tokens: {cached}")
    doctor = portend(proxy.url, ["doctor", "--json"])
    sound = [each for each in doctor if each["part"].startswith("model")]
    check(bool(sound) and sound[0]["state"] != "failed", "doctor: " + (sound[0]["says"] if sound else "nothing"))
    said = [each["says"] for each in sound if "its context has 4096 tokens" in each["says"]]
    check(bool(said), "doctor reads the size of the context: " + (said[0] if said else "no"))

    one = chosen[:1]
    codes = lambda lines: [attempt["outcome"] for attempt in attempts(lines)]
    outcome = codes(portend(proxy.url, ["explain", "--json", *one], key=None))
    check(outcome == ["no_credentials"], f"without a key: {outcome}")
    server.stop()
    outcome = codes(portend(proxy.url, ["explain", "--json", *one]))
    check(set(outcome) == {"unreachable"}, f"a server that was killed: {outcome}")

    small = Server(256)
    proxy = Proxy(small.port, "small")
    outcome = codes(portend(proxy.url, ["explain", "--json", *one]))
    check(outcome == ["rejected"], f"a context of 256 tokens: {outcome}")
    doctor = [each for each in portend(proxy.url, ["doctor", "--json"]) if each["part"].startswith("model")]
    check(bool(doctor) and doctor[0]["state"] == "failed", "doctor: " + (doctor[0]["says"] if doctor else "nothing"))
    small.stop()

    table(lines, made)
    if FAILURES:
        sys.exit(f"{len(FAILURES)} of the checks failed")


def table(lines, made):
    accepted = [line for line in lines if line["insight"]["grade"] == "model"]
    failed = {}
    for attempt in made:
        if attempt["outcome"] not in ("accepted", "unsupported"):
            failed[attempt["outcome"]] = failed.get(attempt["outcome"], 0) + 1
    asked_again = sum(len(line["insight"]["attempts"]) > 1 for line in lines)
    milliseconds = sorted(attempt["ms"] for attempt in made) or [0]
    output = [attempt.get("output_tokens", 0) for attempt in made] or [0]
    rows = [
        ("events", len(lines)),
        ("by the model", len(accepted)),
        ("by the scorecard", len(lines) - len(accepted)),
        ("calls", len(made)),
        ("asked again", asked_again),
        ("unusable calls by reason", ", ".join(f"{code} {count}" for code, count in sorted(failed.items())) or "none"),
        ("input tokens, of them cached", f"{sum(a.get('input_tokens', 0) for a in made)}, {sum(a.get('cached_tokens', 0) for a in made)}"),
        ("output tokens, least to most", f"{min(output)} to {max(output)}"),
        ("ms per call, median and most", f"{milliseconds[len(milliseconds) // 2]}, {milliseconds[-1]}"),
    ]
    print()
    for name, value in rows:
        print(f"{name:32}{value}")


main()
