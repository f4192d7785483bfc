#!/usr/bin/env python3
"""The gateway's speed beside nginx and without anything between, in one run: wrk against a local upstream, in turns.

    python3 benches/gateway.py --bin-dir target/release [--seconds 4] [--rounds 3]
    python3 benches/gateway.py --bin-dir target/release --idle 10000      memory of streams that stay open
    python3 benches/gateway.py --bin-dir target/release --calls 1000000   memory over many calls

Needs nginx and wrk. Recording, pricing and the accounting of limits are on, as a user has them. Prints calls per second of
each round and their medians, shares of direct and of nginx, what is added at 400 calls per second and before the first
token of a stream, and memory and CPU."""
import argparse
import http.client
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ANSWER = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello, how can I help?"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28},
})
ASK = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello to the people of the world."}]})
PATH = "/v1/chat/completions"
CHUNK = b'data: {"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM = json.dumps({"model": "gpt-4o-mini", "stream": True, "stream_options": {"include_usage": True},
                     "messages": [{"role": "user", "content": "hi"}]}).encode()
STREAM = (f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
          f"Content-Length: {len(STREAM)}\r\n\r\n").encode() + STREAM
LAST = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":20}}\n\ndata: [DONE]\n\n'


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


def chunked(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def read_until(sock, end):
    data = b""
    while not data.endswith(end):
        more = sock.recv(65536)
        if not more:
            sys.exit("a stream broke off")
        data += more
    return data


def speaker():
    """An upstream that begins to speak at once, and says five more pieces a little later. Its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve(sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b""
        while True:
            more = sock.recv(65536)
            if not more:
                return
            data += more
            if data.endswith(b"}"):
                data = b""
                sock.sendall(HEAD + chunked(CHUNK))
                time.sleep(0.002)
                sock.sendall(5 * chunked(CHUNK) + chunked(LAST) + b"0\r\n\r\n")

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def first_tokens(ways, calls):
    """Times, ms, until the first token is there, of each way by turns over one connection."""
    socks = {name: socket.create_connection(("127.0.0.1", port)) for name, port in ways}
    found = {name: [] for name, _ in ways}
    for name in list(socks) * calls:
        sock = socks[name]
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun, data = time.perf_counter(), b""
        sock.sendall(STREAM)
        while b"Hello" not in data:
            data += sock.recv(65536)
        found[name].append((time.perf_counter() - begun) * 1e3)
        if not data.endswith(b"0\r\n\r\n"):
            read_until(sock, b"0\r\n\r\n")
    return {name: sorted(times[calls // 10:]) for name, times in found.items()}


def listen_to_streams(listener):
    """An upstream in a process of its own that begins every stream and ends none."""
    if (child := os.fork()) > 0:
        return child
    guard(2)
    poll, socks = select.epoll(), {}
    poll.register(listener, select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                sock = listener.accept()[0]
                socks[sock.fileno()] = sock
                poll.register(sock, select.EPOLLIN)
            elif data := socks[fd].recv(65536):
                if data.endswith(b"}"):
                    socks[fd].sendall(HEAD + chunked(CHUNK))
            else:
                socks.pop(fd).close()


def guard(gib):
    """Whatever goes wrong here must not take the machine."""
    resource.setrlimit(resource.RLIMIT_DATA, (gib << 30, resource.RLIM_INFINITY))


def idle(gateway, port, count):
    """Opens so many streams, which all wait after their first token, and prints what that takes."""
    guard(2)
    poll, held, spoke = select.epoll(), {}, 0
    before, begun = rss(gateway.pid), time.time()
    while spoke < count and time.time() - begun < 300:
        # Only so many at a time wait to be accepted.
        while len(held) < count and len(held) - spoke < 100:
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(STREAM)
            held[sock.fileno()] = sock
            poll.register(sock, select.EPOLLIN)
        for fd, _ in poll.poll(1):
            spoke += b"Hello" in held[fd].recv(65536)
    took = time.time() - begun
    time.sleep(2)
    after, used = rss(gateway.pid), cpu(gateway.pid)
    time.sleep(5)
    waiting = (cpu(gateway.pid) - used) / 5
    print(f"{spoke} of {count} streams open after {took:.1f} s: {before:.0f} MB before, {after:.0f} MB with them, "
          f"{(after - before) * 1024 / max(spoke, 1):.1f} kB each; {waiting:.3f} of a core while they wait", flush=True)
    [sock.close() for sock in held.values()]
    time.sleep(5)
    print(f"closed: {rss(gateway.pid):.0f} MB", flush=True)


def many(gateway, folder, port, calls):
    """Prints memory every tenth of so many calls."""
    done, told = 0, 0
    print(f"{'calls':>9} {'MB':>6} {'CPU s':>7}")
    while done < calls:
        done += int(wrk(folder, port, 16, 2) * 2)
        if done - told >= calls // 10:
            told = done
            print(f"{done:>9} {rss(gateway.pid):>6.0f} {cpu(gateway.pid):>7.1f}", flush=True)
    time.sleep(10)
    print(f"{'at rest':>9} {rss(gateway.pid):>6.0f} {cpu(gateway.pid):>7.1f}")


def rss(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(args, folder, port, upstream):
    own = tempfile.mkdtemp(dir=folder)
    env = dict(os.environ, HOME=own, XDG_DATA_HOME=own, XDG_CONFIG_HOME=own, XDG_CACHE_HOME=own)
    process = subprocess.Popen([os.path.join(args.bin_dir, "llmtop"), "proxy", "--headless", "--listen", f"127.0.0.1:{port}",
                                "--upstream", f"http://127.0.0.1:{upstream}"], env=env, stdout=subprocess.DEVNULL)
    wait_for(port)
    return process


def stop(processes):
    for process in processes:
        process.send_signal(signal.SIGTERM)
    [process.wait(60) for process in processes]


def between(folder, name, port, upstream):
    """nginx as a proxy without buffers, as streams need it."""
    return nginx(folder, name, f"""upstream u {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
        server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://u; proxy_http_version 1.1;
        proxy_set_header Connection ''; proxy_buffering off; }} }}""")


def throughput(args, folder, ways):
    print(f"{'connections':>11}  {'direct/s':>9} {'nginx/s':>9} {'llmtop/s':>9}  {'of direct':>9} {'nginx of':>9} {'of nginx':>9}")
    for connections in [int(c) for c in args.connections.split(",")]:
        found = {name: [] for name, _ in ways}

        def row(label, d, n, g):
            print(f"{label:>11}  {d:>9.0f} {n:>9.0f} {g:>9.0f}  {g / d:>9.2f} {n / d:>9.2f} {g / n:>9.2f}", flush=True)

        for _ in range(args.rounds):
            for name, port in ways:
                found[name].append(wrk(folder, port, connections, args.seconds))
                # What is recorded is read into the store meanwhile: the next way starts on a quiet machine.
                time.sleep(1.0)
            row("", *(found[name][-1] for name, _ in ways))
        row(f"median {connections}", *(statistics.median(found[name]) for name, _ in ways))


def latency(args, ways):
    print("at 400/s, 8 connections, ms: p50 and p99, added to direct; medians of the rounds")
    found = {name: [] for name, _ in ways}
    for _ in range(args.rounds):
        for name, port in ways:
            found[name].append(paced(port, 400, 8, 5))
    mid = {name: [statistics.median(times) for times in zip(*all)] for name, all in found.items()}
    for name, (p50, p99) in mid.items():
        base = mid["direct"]
        print(f"{name:>11}  {p50:6.2f} {p99:6.2f}   {p50 - base[0]:+.2f} {p99 - base[1]:+.2f}", flush=True)


def streaming(args, folder):
    up, ng, gw = speaker(), free_port(), free_port()
    processes = [between(folder, "streams", ng, up), start(args, folder, gw, up)]
    try:
        wait_for(ng)
        times = first_tokens((("direct", up), ("nginx", ng), ("llmtop", gw)), 1_000)
        print("first token of a stream, one connection, by turns, ms: p50 and p99, added to direct")
        base = times["direct"]
        for name, all in times.items():
            p50, p99 = (all[len(all) * at // 100] for at in (50, 99))
            print(f"{name:>11}  {p50:6.3f} {p99:6.3f}   {p50 - base[len(base) // 2]:+.3f} {p99 - base[len(base) * 99 // 100]:+.3f}", flush=True)
    finally:
        stop(processes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin-dir", default="target/release")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument("--idle", type=int, metavar="N", help="open N streams, and nothing else")
    parser.add_argument("--calls", type=int, metavar="N", help="make N calls, and nothing else")
    args = parser.parse_args()
    for tool in ("nginx", "wrk"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed")
    folder, processes = tempfile.mkdtemp(prefix="llmtop-gateway-"), []
    try:
        run(args, folder, processes)
    finally:
        stop(processes)
        shutil.rmtree(folder, ignore_errors=True)


def run(args, folder, processes):
    gw = free_port()
    if args.idle:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        # A stream is two sockets of the gateway's.
        count = min(args.idle, (hard - 200) // 2)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        upstream = listen_to_streams(listener)
        processes.append(start(args, folder, gw, listener.getsockname()[1]))
        try:
            return idle(processes[0], gw, count)
        finally:
            os.kill(upstream, signal.SIGKILL)
            os.waitpid(upstream, 0)
    up, ng, answer = free_port(), free_port(), ANSWER.replace("'", "")
    processes.append(nginx(folder, "upstream", f"""server {{ listen 127.0.0.1:{up}; location / {{
        default_type application/json; return 200 '{answer}'; }} }}"""))
    wait_for(up)
    processes.append(start(args, folder, gw, up))
    gateway = processes[-1]
    if args.calls:
        return many(gateway, folder, gw, args.calls)
    processes.append(between(folder, "between", ng, up))
    wait_for(ng)
    ways = (("direct", up), ("nginx", ng), ("llmtop", gw))
    throughput(args, folder, ways)
    latency(args, ways)
    print(f"llmtop: {rss(gateway.pid):.0f} MB resident, {cpu(gateway.pid):.1f} s of CPU")
    streaming(args, folder)


if __name__ == "__main__":
    main()
