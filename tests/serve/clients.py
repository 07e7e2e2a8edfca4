"""Clients of `arrowpool serve`, hostile ones among them.

usage: clients.py URL scrape COUNT FILE    so many at once, until FILE is there: each gets whole pages
       clients.py URL slow                 one sends a byte a second, one stops: both are ended, others served
       clients.py URL beside SENDERS READERS    so many slow ones of both kinds: others are answered meanwhile
       clients.py URL crowd COUNT PID      so many connections, half with a part of a request: how many it accepts
       clients.py URL hold COUNT FILE END  so many connections; FILE when they are there, until END is
       clients.py URL wrong                requests that are none, or too long: what each is answered"""

import contextlib
import os
import pathlib
import socket
import sys
import threading
import time
import urllib.parse

import page

MIB = 1 << 20


def connect(url, timeout=60):
    address = urllib.parse.urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=timeout)


def status_of(connection):
    """Of the answer; None: there is none."""
    answer = b""
    try:
        while b"\r\n" not in answer:
            part = connection.recv(4096)
            if not part:
                break
            answer += part
    except ConnectionError:
        pass
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.") else None


def scrape(url, count, file):
    readings, failures, pages = set(), [], [0] * int(count)

    def work(number):
        try:
            done = False
            while not done or pages[number] < 2:
                done = os.path.exists(file)
                readings.add(page.Page(page.fetch(f"{url}/metrics", 60)).value("arrowpool_serve_readings_total"))
                pages[number] += 1
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(int(count))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    assert min(pages) >= 2 and len(readings) > 1, (pages, readings)
    print(f"{sum(pages)} pages, {len(readings)} readings")


def slow(url):
    start = time.monotonic()
    drip, deaf = connect(url), connect(url)
    deaf.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ")
    drip.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ")
    drip.settimeout(1)
    deadline, ended = start + 300, None
    while ended is None and time.monotonic() < deadline:
        try:
            drip.sendall(b"x")
            if not drip.recv(1):
                ended = time.monotonic()
        except TimeoutError:
            pass
        except ConnectionError:
            ended = time.monotonic()
        assert page.fetch(f"{url}/")
    # The other sent nothing more: it was ended as idle, long before.
    assert deaf.recv(100) == b"" or status_of(deaf) is None
    print(f"ended after {ended - start:.0f} s")


def is_open(connection):
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def beside(url, senders, readers):
    """Those that send get no byte of an answer, and send one often enough not to be idle."""
    held, dripping, done = [], [], threading.Event()

    def drip():
        while not done.wait(0.5):
            for connection in dripping[:]:
                try:
                    connection.sendall(b"x")
                except OSError:  # ended
                    dripping.remove(connection)

    for _ in range(int(readers)):
        held.append(connect(url))
        held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        held[-1].sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    for _ in range(int(senders)):
        held.append(connect(url))
        held[-1].sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ")
        dripping.append(held[-1])
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        for _ in range(20):
            # The slow ones would be ended after 10 s.
            assert page.fetch(f"{url}/metrics", 7)
        hanging = [number for number in range(int(readers), len(held)) if is_open(held[number])]
    finally:
        done.set()
        thread.join()
    assert len(hanging) >= 100, len(hanging)
    assert hanging == list(range(hanging[0], len(held))), hanging  # it is the oldest that make room
    print(f"answered while {len(hanging)} hang")


def sockets(pid):
    folder, count = f"/proc/{pid}/fd", 0
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(f"{folder}/{fd}").startswith("socket:")
    return count


def crowd(url, count, pid):
    """A connection takes some tens of KiB of the server, so that what it accepts bounds its memory."""
    held, most = [], 0
    for number in range(int(count)):
        connection = connect(url)
        if number % 2:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 8000)
        held.append(connection)
        most = max(most, sockets(pid))
    # It is the listening one, and 320 at most, of which those beyond 256 are there for a moment.
    assert 1 < most <= 321, most
    for connection in held:
        connection.close()
    assert page.fetch(f"{url}/", 120)
    print(f"held {len(held)}, the server {most - 1} of them")


def hold(url, count, file, end):
    held = [connect(url) for _ in range(int(count))]
    pathlib.Path(file).touch()
    while not os.path.exists(end):
        time.sleep(0.05)
    for connection in held:
        connection.close()


def send(url, *parts):
    """The status of the answer; what the server does not take is not sent."""
    connection = connect(url)
    try:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)  # or the server would wait for more of what is no request
    except OSError:
        pass
    return status_of(connection)


def wrong(url):
    get, headers = b"GET /metrics HTTP/1.1\r\n", b"Host: a\r\n"
    print("1 MiB of headers:", send(url, get, headers, b"X: " + b"x" * MIB, b"\r\n\r\n"))
    print("many headers:", send(url, get, headers, b"".join(b"X%d: y\r\n" % n for n in range(50000)), b"\r\n"))
    print("a path of 1 MiB:", send(url, b"GET /" + b"x" * MIB, b" HTTP/1.1\r\n", headers, b"\r\n"))
    print("a body of 1 GiB:", send(url, b"POST /metrics HTTP/1.1\r\n", headers, b"Content-Length: 1073741824\r\n\r\n",
                                   *[b"x" * MIB] * 4))
    texts = (b"\0" * 1000 + b"\r\n\r\n", b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\r\n\r\n", b"GET\r\n\r\n",
             b"GET /metrics\r\n\r\n", b"\r\n" * 1000)
    nonsense = [send(url, text) for text in texts]
    assert all(status in (None, 400, 404, 405, 200, 505) for status in nonsense), nonsense
    print("no HTTP: 400 or nothing" if 400 in nonsense or None in nonsense else f"no HTTP: {nonsense}")


def main():
    sys.exit({"scrape": scrape, "slow": slow, "beside": beside, "crowd": crowd, "hold": hold,
              "wrong": wrong}[sys.argv[2]](sys.argv[1], *sys.argv[3:]))


if __name__ == "__main__":
    main()
