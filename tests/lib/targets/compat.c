// SPDX-License-Identifier: Apache-2.0
/*
 * A 32-bit HTTP server for a 64-bit kernel, one connection after another. Without a library or a
 * header, so that -m32 is all that it needs: gcc -m32 -ffreestanding -nostdlib -static.
 *
 *     compat PORT WAY [gate]
 *
 * WAY: socketcall, sendto, rw (read and write), msg and callmsg (sendmsg by itself and by
 * socketcall(2)), vec (readv and writev), mmsg (sendmmsg, one message). With `gate` it calls by
 * what the kernel offers for that (sysenter or syscall, see vdso(7)) and not by int 0x80.
 */
typedef unsigned int word;

enum {
	NR_EXIT = 1,
	NR_READ = 3,
	NR_WRITE = 4,
	NR_CLOSE = 6,
	NR_SOCKETCALL = 102,
	NR_READV = 145,
	NR_WRITEV = 146,
	NR_SENDMMSG = 345,
	NR_SENDTO = 369,
	NR_SENDMSG = 370,
	NR_RECVFROM = 371,
	NR_RECVMSG = 372,
};

enum {
	CALL_SOCKET = 1,
	CALL_BIND,
	CALL_LISTEN = 4,
	CALL_ACCEPT,
	CALL_SEND = 9,
	CALL_RECV,
	CALL_SETSOCKOPT = 14,
	CALL_SENDMSG = 16,
	CALL_RECVMSG
};

static word gate;

static int call(word nr, word a, word b, word c, word d)
{
	int result;

	if (gate)
		__asm__ volatile("call *%1"
				 : "=a"(result)
				 : "m"(gate), "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(0)
				 : "memory");
	else
		__asm__ volatile("int $0x80"
				 : "=a"(result)
				 : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(0)
				 : "memory");
	return result;
}

static int socketcall(word what, word a, word b, word c, word d, word e)
{
	word args[] = { a, b, c, d, e, 0 };

	return call(NR_SOCKETCALL, what, (word)args, 0, 0);
}

struct iovec {
	word base, len;
};

struct msghdr {
	word name, namelen, iov, iovlen, control, controllen, flags;
};

struct mmsghdr {
	struct msghdr msg;
	word len;
};

static const char *way;

static int is(const char *name)
{
	word i = 0;

	while (name[i] && name[i] == way[i])
		i++;
	return name[i] == way[i];
}

static int move(int sends, int fd, char *at, word len)
{
	struct iovec pieces[] = {
		{ (word)at, 1 }, { (word)at, 0 }, { (word)at + 1, 9 }, { (word)at + 10, len - 10 }
	};
	struct mmsghdr m = { { 0, 0, (word)pieces, 4, 0, 0, 0 }, 0 };

	if (is("socketcall"))
		return socketcall(sends ? CALL_SEND : CALL_RECV, fd, (word)at, len, 0, 0);
	if (is("sendto"))
		return call(sends ? NR_SENDTO : NR_RECVFROM, fd, (word)at, len, 0);
	if (is("rw"))
		return call(sends ? NR_WRITE : NR_READ, fd, (word)at, len, 0);
	if (is("msg") || (is("mmsg") && !sends))
		return call(sends ? NR_SENDMSG : NR_RECVMSG, fd, (word)&m, 0, 0);
	if (is("callmsg"))
		return socketcall(sends ? CALL_SENDMSG : CALL_RECVMSG, fd, (word)&m, 0, 0, 0);
	if (is("vec"))
		return call(sends ? NR_WRITEV : NR_READV, fd, (word)pieces, 4, 0);
	if (is("mmsg"))
		return call(NR_SENDMMSG, fd, (word)&m, 1, 0);
	return -1;
}

static word number(const char *text)
{
	word n = 0;

	while (*text)
		n = n * 10 + (word)(*text++ - '0');
	return n;
}

/* AT_SYSINFO, behind the arguments and the environment. */
static word find_gate(char **argv)
{
	word *at = (word *)argv;

	while (*at)
		at++;
	at++;
	while (*at)
		at++;
	for (at++; at[0]; at += 2)
		if (at[0] == 32)
			return at[1];
	return 0;
}

static void run(int argc, char **argv)
{
	static char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", buffer[4096];
	word one = 1, port = number(argv[1]), address[4] = { 0 };
	int listener = socketcall(CALL_SOCKET, 2, 1, 0, 0, 0), fd;

	way = argv[2];
	address[0] = 2 | (port >> 8 | (port & 0xff) << 8) << 16;
	address[1] = 0x0100007f;
	(void)socketcall(CALL_SETSOCKOPT, listener, 1, 2, (word)&one, sizeof(one));
	if (socketcall(CALL_BIND, listener, (word)address, sizeof(address), 0, 0) ||
	    socketcall(CALL_LISTEN, listener, 16, 0, 0, 0))
		return;
	if (argc > 3)
		gate = find_gate(argv);
	for (;;) {
		fd = socketcall(CALL_ACCEPT, listener, 0, 0, 0, 0);
		while (move(0, fd, buffer, sizeof(buffer)) > 0)
			if (move(1, fd, answer, sizeof(answer) - 1) < 0)
				return;
		call(NR_CLOSE, fd, 0, 0, 0);
	}
}

__attribute__((used)) void begin(word *stack)
{
	if (stack[0] >= 3)
		run((int)stack[0], (char **)(stack + 1));
	call(NR_EXIT, 1, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tsub $12, %esp\n\tpush "
	"%eax\n\tcall begin\n");
