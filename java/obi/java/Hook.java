// SPDX-License-Identifier: Apache-2.0
package obi.java;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLEngineResult;

/** What the JDK's classes call once they are transformed. Nothing of it may throw. */
public final class Hook {
	private static final int RANDOM = 32, RANDOM_AT = 11, HELLO_MIN = 43;

	/** Of a socket or an engine, which it does not keep alive. */
	private static final class Session extends WeakReference<Object> {
		final long address;
		final int hash;
		volatile boolean hasRandom;

		Session(Object owner, long address) {
			super(owner, gone);
			this.address = address;
			this.hash = System.identityHashCode(owner);
		}

		@Override
		public int hashCode() {
			return hash;
		}
	}

	private static final class Key {
		final Object owner;

		Key(Object owner) {
			this.owner = owner;
		}

		@Override
		public int hashCode() {
			return System.identityHashCode(owner);
		}

		@Override
		public boolean equals(Object other) {
			return other instanceof Session && ((Session) other).get() == owner;
		}
	}

	private static final ReferenceQueue<Object> gone = new ReferenceQueue<>();
	private static final ConcurrentHashMap<Object, Session> sessions = new ConcurrentHashMap<>();

	private static native long open();
	private static native void free(long session);
	private static native void inside(long session);
	private static native void random(long session, byte[] random);
	private static native void moved(long session, boolean sent, byte[] bytes, int at, int len);

	static void load(String library) {
		System.load(library);
	}

	private static Session of(Object owner) {
		Session session = sessions.get(new Key(owner));

		if (session != null)
			return session;
		for (Reference<?> old; (old = gone.poll()) != null;)
			if (sessions.remove(old) != null)
				free(((Session) old).address);
		synchronized (owner) {
			session = sessions.get(new Key(owner));
			if (session == null) {
				session = new Session(owner, open());
				sessions.put(session, session);
			}
		}
		return session;
	}

	/* A virtual thread may leave its carrier, which would keep the mark. */
	private static boolean stays() {
		return !Thread.currentThread().getClass().getName().startsWith("java.lang.Virtual");
	}

	public static void enter(Object socket) {
		try {
			if (stays())
				inside(of(socket).address);
		} catch (Throwable ignored) {
		}
	}

	public static void leave() {
		try {
			inside(0);
		} catch (Throwable ignored) {
		}
	}

	public static void read(int count, Object socket, byte[] bytes, int at, int len) {
		try {
			leave();
			if (count > 0)
				moved(of(socket).address, false, bytes, at, count);
		} catch (Throwable ignored) {
		}
	}

	public static void written(Object socket, byte[] bytes, int at, int len) {
		try {
			leave();
			if (len > 0)
				moved(of(socket).address, true, bytes, at, len);
		} catch (Throwable ignored) {
		}
	}

	/** The places of buffers before a call; the last is the network's. */
	public static int[] places(ByteBuffer net, ByteBuffer[] buffers, int at, int len, Object engine,
				   boolean in) {
		try {
			int[] places = new int[len + 1];

			for (int i = 0; i < len; i++)
				places[i] = buffers[at + i].position();
			places[len] = net.position();
			if (in)
				hello(engine, net, net.position(), net.limit());
			return places;
		} catch (Throwable ignored) {
			return null;
		}
	}

	public static void passed(SSLEngineResult result, int[] places, ByteBuffer net,
				  ByteBuffer[] buffers, int at, int len, Object engine, boolean in) {
		try {
			if (places == null || result == null)
				return;
			if (!in)
				hello(engine, net, places[len], net.position());
			for (int i = 0; i < len; i++)
				copy(engine, buffers[at + i], places[i], !in);
		} catch (Throwable ignored) {
		}
	}

	private static void copy(Object engine, ByteBuffer buffer, int from, boolean sent) {
		int count = buffer.position() - from;

		if (count <= 0)
			return;
		byte[] bytes = new byte[count];
		ByteBuffer view = buffer.duplicate();
		view.position(from);
		view.get(bytes);
		moved(of(engine).address, sent, bytes, 0, count);
	}

	/* A ClientHello in its record tells the session's socket. */
	private static void hello(Object engine, ByteBuffer net, int from, int to) {
		if (to - from < HELLO_MIN || net.get(from) != 22 || net.get(from + 5) != 1)
			return;
		Session session = of(engine);
		if (session.hasRandom)
			return;
		byte[] random = new byte[RANDOM];
		for (int i = 0; i < RANDOM; i++)
			random[i] = net.get(from + RANDOM_AT + i);
		random(session.address, random);
		session.hasRandom = true;
	}

	private Hook() {
	}
}
