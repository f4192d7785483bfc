#!/usr/bin/env python3
"""The gateway's speed beside nginx and without anything between, in one run: wrk against a local upstream, in turns.

    python3 benches/gateway.py --bin-dir target/release [--seconds 4] [--rounds 3]

Needs nginx and wrk. Recording, pricing and the accounting of limits are on, as a user has them. Prints calls per second,
the median of the rounds, shares of direct and of nginx, and what is added at 400 calls per second."""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ANSWER = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello, how can I help?"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28},
})
ASK = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello to the people of the world."}]})
PATH = "/v1/chat/completions"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


def nginx(folder, name, body):
    path = os.path.join(folder, name + ".conf")
    with open(path, "w") as f:
        f.write(f"""worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err crit;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/{name}.body;
proxy_temp_path {folder}/{name}.proxy; fastcgi_temp_path {folder}/{name}.f; uwsgi_temp_path {folder}/{name}.u;
scgi_temp_path {folder}/{name}.s; {body} }}""")
    return subprocess.Popen(["nginx", "-c", path, "-e", f"{folder}/{name}.err"], stderr=subprocess.DEVNULL)


def wrk(folder, port, connections, seconds):
    script = os.path.join(folder, "post.lua")
    with open(script, "w") as f:
        f.write(f"wrk.method='POST'\nwrk.body=[[{ASK}]]\nwrk.headers['Content-Type']='application/json'\n"
                "wrk.headers['Authorization']='Bearer sk-bench'\n")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script, f"http://127.0.0.1:{port}{PATH}"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx.*", out) or re.search(r"Socket errors: connect [1-9].*", out)
    if bad:
        sys.exit(f"port {port}, {connections} connections: {bad.group(0)}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def paced(port, rate, connections, seconds):
    """Latencies, ms, of calls sent at a rate over open connections."""
    import http.client
    import threading
    times, lock = [], threading.Lock()

    def client(n):
        c = http.client.HTTPConnection("127.0.0.1", port)
        c.connect()
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        mine, gap, start = [], connections / rate, time.perf_counter() + n / rate
        for k in range(int(seconds * rate / connections)):
            pause = start + k * gap - time.perf_counter()
            if pause > 0:
                time.sleep(pause)
            t = time.perf_counter()
            c.request("POST", PATH, ASK, {"Content-Type": "application/json"})
            c.getresponse().read()
            mine.append((time.perf_counter() - t) * 1e3)
        with lock:
            times.extend(mine)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(connections)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def rss(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin-dir", default="target/release")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", default="1,16,64")
    args = parser.parse_args()
    for tool in ("nginx", "wrk"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed")
    folder = tempfile.mkdtemp(prefix="llmtop-gateway-")
    up, ng, gw = free_port(), free_port(), free_port()
    answer = ANSWER.replace("'", "")
    processes = [nginx(folder, "upstream", f"""server {{ listen 127.0.0.1:{up}; location / {{
        default_type application/json; return 200 '{answer}'; }} }}""")]
    processes.append(nginx(folder, "between", f"""upstream u {{ server 127.0.0.1:{up}; keepalive 256; keepalive_requests 100000000; }}
        server {{ listen 127.0.0.1:{ng}; location / {{ proxy_pass http://u; proxy_http_version 1.1;
        proxy_set_header Connection ''; proxy_buffering off; }} }}"""))
    env = dict(os.environ, HOME=folder, XDG_DATA_HOME=folder, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder)
    gateway = subprocess.Popen([os.path.join(args.bin_dir, "llmtop"), "proxy", "--headless", "--listen", f"127.0.0.1:{gw}",
                                "--upstream", f"http://127.0.0.1:{up}"], env=env, stdout=subprocess.DEVNULL)
    processes.append(gateway)
    try:
        [wait_for(port) for port in (up, ng, gw)]
        ways = (("direct", up), ("nginx", ng), ("llmtop", gw))
        print(f"{'connections':>11}  {'direct/s':>9} {'nginx/s':>9} {'llmtop/s':>9}  {'of direct':>9} {'nginx of':>9} {'of nginx':>9}")
        for connections in [int(c) for c in args.connections.split(",")]:
            found = {name: [] for name, _ in ways}
            for _ in range(args.rounds):
                for name, port in ways:
                    found[name].append(wrk(folder, port, connections, args.seconds))
                    # What is recorded is read into the store meanwhile: the next way starts on a quiet machine.
                    time.sleep(1.0)
            d, n, g = (statistics.median(found[name]) for name, _ in ways)
            print(f"{connections:>11}  {d:>9.0f} {n:>9.0f} {g:>9.0f}  {g / d:>9.2f} {n / d:>9.2f} {g / n:>9.2f}", flush=True)
        print("at 400/s, 8 connections, ms: p50 and p99, added to direct")
        base = None
        for name, port in ways:
            p50, p99 = paced(port, 400, 8, 5)
            base = base or (p50, p99)
            print(f"{name:>11}  {p50:6.2f} {p99:6.2f}   {p50 - base[0]:+.2f} {p99 - base[1]:+.2f}", flush=True)
        print(f"llmtop: {rss(gateway.pid):.0f} MB resident, {cpu(gateway.pid):.1f} s of CPU")
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        [process.wait(20) for process in processes]
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
