#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the captures of this directory, and beside each NAME.pcap* what must come of it, in
NAME.spans: one line a span,

    status method host/path?query request>response [start..end] peer->host [incomplete]

with lengths of bodies in bytes and times in microseconds after the capture's beginning.
The expectations are written here by hand, not taken from a run."""
import os
import struct

EPOCH = 1700000000
HERE = os.path.dirname(os.path.abspath(__file__))


def addr(text):
    if ":" in text:
        import socket
        return socket.inet_pton(socket.AF_INET6, text)
    return bytes(int(x) for x in text.split("."))


class Capture:
    """Packets of any number of connections; time is counted in microseconds."""

    def __init__(self, name, link="ether", fmt="pcap", order="<", nsec=False, snaplen=262144,
                 vlan=(), copies=1):
        self.name, self.link, self.fmt, self.order = name, link, fmt, order
        self.nsec, self.snaplen, self.vlan, self.copies = nsec, snaplen, vlan, copies
        self.now, self.frames, self.spans = 0, [], []

    def frame(self, datagram, ethertype):
        tags = b"".join(struct.pack(">HH", tpid, tag) for tpid, tag in self.vlan)
        ethertype = struct.pack(">H", ethertype)
        data = {
            "ether": lambda: b"\x02" * 12 + tags + ethertype + datagram,
            "sll": lambda: b"\0\0\0\1\0\6" + b"\x02" * 8 + ethertype + datagram,
            "sll2": lambda: ethertype + b"\0\0\0\0\0\1\0\1\0\6" + b"\x02" * 8 + datagram,
            "raw": lambda: datagram,
            "null": lambda: struct.pack("<I", 2) + datagram,
        }[self.link]()
        for _ in range(self.copies):
            self.frames.append((self.now, self.link, data))

    def other(self, datagram, ethertype):
        self.frame(datagram, ethertype)

    def expect(self, *lines):
        self.spans += lines

    def number(self, link):
        return {"ether": 1, "sll": 113, "sll2": 276, "raw": 101, "null": 0}[link]

    def write(self):
        path = os.path.join(HERE, self.name + "." + self.fmt)
        with open(path, "wb") as f:
            f.write(self.pcap() if self.fmt == "pcap" else self.pcapng())
        with open(os.path.join(HERE, self.name + ".spans"), "w") as f:
            f.write("".join(line + "\n" for line in self.spans))

    def pcap(self):
        o, link = self.order, self.frames[0][1]
        magic = 0xA1B23C4D if self.nsec else 0xA1B2C3D4
        out = [struct.pack(o + "IHHIIII", magic, 2, 4, 0, 0, self.snaplen, self.number(link))]
        for us, _, data in self.frames:
            fraction = us % 1000000 * (1000 if self.nsec else 1)
            cut = data[:self.snaplen]
            out.append(struct.pack(o + "IIII", EPOCH + us // 1000000, fraction, len(cut), len(data)))
            out.append(cut)
        return b"".join(out)

    def block(self, kind, body):
        body += b"\0" * (-len(body) % 4)
        size = struct.pack(self.order + "I", 12 + len(body))
        return struct.pack(self.order + "I", kind) + size + body + size

    def pcapng(self):
        o = self.order
        out = [self.block(0x0A0D0D0A, struct.pack(o + "IHHq", 0x1A2B3C4D, 1, 0, -1))]
        links = sorted({link for _, link, _ in self.frames})
        for link in links:
            options = struct.pack(o + "HHB3xHH", 9, 1, 9, 0, 0) if self.nsec else b""
            out.append(self.block(1, struct.pack(o + "HHI", self.number(link), 0, self.snaplen) +
                                  options))
        for us, link, data in self.frames:
            units = (EPOCH * 1000000 + us) * (1000 if self.nsec else 1)
            cut = data[:self.snaplen]
            out.append(self.block(6, struct.pack(o + "IIIII", links.index(link), units >> 32,
                                                 units & 0xFFFFFFFF, len(cut), len(data)) + cut))
        return b"".join(out)


FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Conn:
    """One TCP connection. send() makes a segment and moves on; at() makes one anywhere."""

    def __init__(self, capture, client=("10.0.0.1", 40000), server=("10.0.0.2", 8080),
                 isn=(1000, 2000)):
        self.capture, self.ends = capture, (client, server)
        self.isn = isn
        self.sent = [0, 0]  # bytes after the SYN

    def segment(self, who, seq, flags, data=b"", ack=None):
        src, dst = self.ends[who], self.ends[1 - who]
        tcp = struct.pack(">HHIIBBHHH", src[1], dst[1], seq & 0xFFFFFFFF,
                          (ack or 0) & 0xFFFFFFFF, 5 << 4, flags | (ACK if ack is not None else 0),
                          65535, 0, 0) + data
        a, b = addr(src[0]), addr(dst[0])
        if len(a) == 4:
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + a + b
            self.capture.frame(ip + tcp, 0x0800)
        else:
            ip = struct.pack(">IHBB", 0x60000000, len(tcp), 6, 64) + a + b
            self.capture.frame(ip + tcp, 0x86DD)

    def open(self, us):
        self.capture.now = us
        self.segment(0, self.isn[0], SYN)
        self.segment(1, self.isn[1], SYN, ack=self.isn[0] + 1)
        self.segment(0, self.isn[0] + 1, 0, ack=self.isn[1] + 1)
        return self

    def at(self, us, who, offset, data, flags=0, ack=True):
        self.capture.now = us
        acked = self.isn[1 - who] + 1 + self.sent[1 - who]
        self.segment(who, self.isn[who] + 1 + offset, flags, data, acked if ack else None)

    def send(self, us, who, data, flags=PSH, mss=1460):
        if isinstance(data, str):
            data = data.encode()
        step = data[:mss] if data else b""
        while True:
            self.at(us, who, self.sent[who], step, flags)
            self.sent[who] += len(step)
            data = data[len(step):]
            step = data[:mss]
            if not step:
                return

    def c(self, us, data, **kw):
        self.send(us, 0, data, **kw)

    def s(self, us, data, **kw):
        self.send(us, 1, data, **kw)

    def fin(self, us, who):
        self.at(us, who, self.sent[who], b"", FIN)
        self.sent[who] += 1


OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def keepalive():
    cap = Capture("keepalive")
    conn = Conn(cap).open(0)
    conn.c(100, "GET /users/1?q=x HTTP/1.1\r\nHost: shop:8080\r\n\r\n")
    conn.s(350, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    conn.c(1000, "POST /cart HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc")
    conn.s(1500, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
    conn.fin(2000, 0)
    conn.fin(2100, 1)
    cap.expect("200 GET shop:8080/users/1?q=x 0>5 [100..350] 10.0.0.1:40000->10.0.0.2:8080",
               "201 POST shop/cart 3>0 [1000..1500] 10.0.0.1:40000->10.0.0.2:8080")
    cap.write()


def pipelined():
    cap = Capture("pipelined_ipv6_vlan", fmt="pcapng", order=">", nsec=True,
                  vlan=((0x88A8, 5), (0x8100, 7)))
    conn = Conn(cap, ("2001:db8::1", 50000), ("2001:db8::2", 80)).open(0)
    conn.c(10, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n")
    conn.c(20, "Host: h\r\n\r\nHEAD /c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    conn.s(30, OK + "HTTP/1.1 404 Not Found\r\nContent-Len")
    conn.s(40, "gth: 4\r\n\r\nHTTPHTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    cap.expect("200 GET /a 0>0 [10..30] [2001:db8::1]:50000->[2001:db8::2]:80",
               "404 GET h/b 0>4 [10..40] [2001:db8::1]:50000->[2001:db8::2]:80",
               "200 HEAD /c 0>0 [20..40] [2001:db8::1]:50000->[2001:db8::2]:80")
    cap.write()


def cooked():
    for name, link, order in (("cooked_every_packet_twice", "sll", ">"),
                              ("cooked2_every_packet_twice", "sll2", "<")):
        cap = Capture(name, link=link, order=order, nsec=True, copies=2)
        conn = Conn(cap).open(0)
        conn.c(100, "GET /a HTTP/1.1\r\n\r\n")
        conn.s(200, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        conn.s(300, "0\r\n\r\n")
        conn.fin(400, 1)
        conn.fin(500, 0)
        cap.expect("200 GET /a 0>15 [100..300] 10.0.0.1:40000->10.0.0.2:8080")
        cap.write()


def disorder():
    cap = Capture("disorder_and_wrap")
    conn = Conn(cap, isn=(0xFFFFFFF0, 0xFFFFFF00)).open(0)
    request = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    conn.at(10, 0, 20, request[20:])
    conn.at(20, 0, 5, request[5:15])
    conn.at(30, 0, 10, request[10:25])
    conn.at(40, 0, 0, request[:8])
    conn.sent[0] = len(request)
    body = bytes(range(256)) * 16
    response = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n" + body +
                b"\r\n0\r\nTrailer: x\r\n\r\n")
    pieces = [(i, response[i:i + 700]) for i in range(0, len(response), 600)]
    for n, i in enumerate((0, 3, 2, 1, 6, 5, 4, 2)):
        conn.at(100 + 10 * n, 1, *pieces[i])
    conn.sent[1] = len(response)
    conn.c(300, "GET /b HTTP/1.1\r\n\r\n")
    conn.s(400, OK)
    # chunk-size line, data, CRLF, last chunk, trailer, blank line
    cap.expect("200 GET h/a 0>%d [40..160] 10.0.0.1:40000->10.0.0.2:8080" % (6 + 4096 + 2 + 3 + 12 + 2),
               "200 GET /b 0>0 [300..400] 10.0.0.1:40000->10.0.0.2:8080")
    cap.write()


def snaplen():
    """42 bytes of each payload are left."""
    cap = Capture("snaplen", snaplen=96)
    conn = Conn(cap).open(0)
    conn.c(10, "GET /a?b HTTP/1.1\r\nHost: h\r\nCookie: %s\r\n\r\n" % ("x" * 500))
    conn.s(20, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + "x" * 2000)
    conn.c(40, "GET /b HTTP/1.1\r\n\r\n")
    conn.s(50, "HTTP/1.1 500 Oh\r\nServer: something long\r\nContent-Length: 5\r\n\r\nhello")
    conn.s(60, "more of it")
    conn.c(70, "GET /c HTTP/1.1\r\n\r\n")
    conn.s(80, OK)
    cap.expect("200 GET h/a?b -1>2000 [10..20] 10.0.0.1:40000->10.0.0.2:8080",
               "500 GET /b 0>-1 [40..60] 10.0.0.1:40000->10.0.0.2:8080",
               "200 GET /c 0>0 [70..80] 10.0.0.1:40000->10.0.0.2:8080")
    cap.write()


def download():
    """300,000 bytes, of which the capture has 200 of every packet; one packet is missing."""
    cap = Capture("download", snaplen=200)
    conn = Conn(cap).open(0)
    conn.c(10, "GET /big HTTP/1.1\r\n\r\n")
    head = "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"
    conn.s(20, head)
    for i in range(300):
        if i == 100:
            conn.sent[1] += 1000
            continue
        conn.s(100 + i, "HTTP/1.1 404 it is a body\r\n\r\n" + "x" * (1000 - 29))
        if i == 102:
            conn.at(100 + i, 0, conn.sent[0], b"")
    conn.c(1000, "GET /next HTTP/1.1\r\n\r\n")
    conn.s(1100, OK)
    cap.expect("200 GET /big 0>300000 [10..399] 10.0.0.1:40000->10.0.0.2:8080",
               "200 GET /next 0>0 [1000..1100] 10.0.0.1:40000->10.0.0.2:8080")
    cap.write()


def midstream():
    cap = Capture("midstream", link="raw")
    conn = Conn(cap)
    conn.s(0, "the rest of a response")
    conn.c(10, "GET /a HTTP/1.1\r\n\r\n")
    conn.s(20, OK)
    other = Conn(cap, ("10.0.0.9", 80), ("10.0.0.2", 50001))  # ports prove nothing
    other.s(30, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    other.c(40, "GET /b HTTP/1.1\r\n\r\n")
    other.s(50, OK)
    cap.expect("200 GET /a 0>0 [10..20] 10.0.0.1:40000->10.0.0.2:8080",
               "200 GET /b 0>0 [40..50] 10.0.0.9:80->10.0.0.2:50001")
    cap.write()


def mixed():
    """Several interfaces, and much that is none of our business."""
    cap = Capture("mixed_interfaces", fmt="pcapng")
    cap.other(b"\0\1\x08\0\6\4\0\1" + b"\2" * 20, 0x0806)
    cap.other(struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + b"\x0a\0\0\1\x0a\0\0\2" +
              b"\0\x35\0\x35\0\x08\0\0", 0x0800)
    one = Conn(cap).open(0)
    one.c(10, "GET /ether HTTP/1.1\r\n\r\n")
    cap.link = "null"
    two = Conn(cap, ("127.0.0.1", 1000), ("127.0.0.1", 8080)).open(15)
    two.c(20, "GET /null HTTP/1.1\r\n\r\n")
    cap.link = "raw"
    cap.other(struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0x2000, 64, 6, 0) + b"\x0a\0\0\1\x0a\0\0\2" +
              b"fragment", 0x0800)
    three = Conn(cap, ("::1", 1000), ("::1", 8080)).open(25)
    three.c(30, "GET /raw HTTP/1.1\r\n\r\n")
    three.s(40, OK)
    cap.link = "null"
    two.s(50, OK)
    cap.link = "ether"
    one.s(60, OK)
    cap.expect("200 GET /raw 0>0 [30..40] [::1]:1000->[::1]:8080",
               "200 GET /null 0>0 [20..50] 127.0.0.1:1000->127.0.0.1:8080",
               "200 GET /ether 0>0 [10..60] 10.0.0.1:40000->10.0.0.2:8080")
    cap.write()


def interim():
    cap = Capture("continue_and_early_answer")
    conn = Conn(cap).open(0)
    conn.c(10, "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n")
    conn.s(20, "HTTP/1.1 100 Continue\r\n\r\n")
    conn.c(30, "GET /b HTTP/1.1\r\n\r\n-")
    conn.s(40, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    conn.c(50, "POST /big HTTP/1.1\r\nContent-Length: 3000\r\n\r\n" + "x" * 1000)
    conn.s(60, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    conn.c(70, "x" * 2000)
    conn.c(80, "GET /c HTTP/1.1\r\n\r\n")
    conn.s(90, OK)
    cap.expect("200 PUT /a 20>2 [10..40] 10.0.0.1:40000->10.0.0.2:8080",
               "413 POST /big 3000>0 [50..60] 10.0.0.1:40000->10.0.0.2:8080",
               "200 GET /c 0>0 [80..90] 10.0.0.1:40000->10.0.0.2:8080")
    cap.write()


def ends():
    cap = Capture("ends")
    one = Conn(cap, ("10.0.0.1", 40001)).open(0)
    one.c(10, "GET /reset HTTP/1.1\r\n\r\n")
    one.s(20, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel")
    one.at(30, 0, one.sent[0], b"", RST)
    two = Conn(cap, ("10.0.0.1", 40002)).open(40)
    two.c(50, "GET /unanswered HTTP/1.1\r\n\r\n")
    two.fin(60, 0)
    two.fin(70, 1)
    three = Conn(cap, ("10.0.0.1", 40003)).open(80)
    three.c(90, "GET /until-close HTTP/1.0\r\n\r\n")
    three.s(100, "HTTP/1.0 200 OK\r\n\r\nhello")
    three.s(110, "HTTP/1.0 world")
    three.fin(120, 1)
    four = Conn(cap, ("10.0.0.1", 40004)).open(130)
    four.c(140, "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
    four.s(150, "HTTP/1.1 101 Switching Protocols\r\n\r\n\x01\x02")
    four.c(160, "GET /not HTTP/1.1\r\n\r\n")
    five = Conn(cap, ("10.0.0.1", 40005)).open(170)
    five.c(180, "GET /still-open HTTP/1.1\r\n\r\n")
    cap.expect("200 GET /reset 0>3 [10..20] 10.0.0.1:40001->10.0.0.2:8080 incomplete",
               "0 GET /unanswered 0>-1 [50..70] 10.0.0.1:40002->10.0.0.2:8080 incomplete",
               "200 GET /until-close 0>19 [90..110] 10.0.0.1:40003->10.0.0.2:8080",
               "101 GET /ws 0>0 [140..150] 10.0.0.1:40004->10.0.0.2:8080",
               "0 GET /still-open 0>-1 [180..180] 10.0.0.1:40005->10.0.0.2:8080 incomplete")
    cap.write()


def lost():
    """Packets that the capture did not get: no response is given to another request."""
    cap = Capture("lost_packets")
    conn = Conn(cap).open(0)
    conn.c(10, "GET /a HTTP/1.1\r\n\r\n")
    conn.sent[1] += len(OK)  # its response
    conn.sent[0] += len("GET /b HTTP/1.1\r\n\r\n")  # and another request
    conn.s(40, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
    conn.c(50, "GET /c HTTP/1.1\r\n\r\n")
    conn.s(60, OK)
    cap.expect("200 GET /c 0>0 [50..60] 10.0.0.1:40000->10.0.0.2:8080")
    cap.write()


if __name__ == "__main__":
    for make in (keepalive, pipelined, cooked, disorder, snaplen, download, midstream, mixed,
                 interim, ends, lost):
        make()
