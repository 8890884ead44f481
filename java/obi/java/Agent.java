// SPDX-License-Identifier: Apache-2.0
package obi.java;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.net.URI;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.ProtectionDomain;

/** Transforms the JDK's own classes for TLS; where it cannot, leaves them as they are and says so. */
public final class Agent {
	private static final String PACKAGE = "sun.security.ssl.";
	private static final String[] CLASSES = {
		"SSLSocketImpl", "SSLSocketImpl$AppInputStream", "SSLSocketImpl$AppOutputStream", "SSLEngineImpl",
	};

	private static boolean begun;

	public static void premain(String arguments, Instrumentation jvm) {
		agentmain(arguments, jvm);
	}

	public static synchronized void agentmain(String arguments, Instrumentation jvm) {
		if (begun)
			return;
		begun = true;
		try {
			Hook.load(library(arguments));
			transform(jvm);
		} catch (Throwable e) {
			complain(e);
		}
	}

	private static String library(String arguments) throws Exception {
		if (arguments != null && !arguments.isEmpty())
			return arguments;
		String url = ClassLoader.getSystemResource("obi/java/Agent.class").toString();
		Path jar = Paths.get(new URI(url.substring("jar:".length(), url.indexOf('!'))));
		return jar.resolveSibling("libobi-java.so").toAbsolutePath().toString();
	}

	/* All of them, or none: half of a connection would be of no use. */
	private static void transform(Instrumentation jvm) throws Exception {
		Class<?>[] classes = new Class<?>[CLASSES.length];
		Throwable[] failure = new Throwable[1];
		byte[][] changed = new byte[CLASSES.length][];
		boolean[] dry = { true };

		for (int i = 0; i < classes.length; i++)
			classes[i] = Class.forName(PACKAGE + CLASSES[i], false, null);
		ClassFileTransformer transformer = new ClassFileTransformer() {
			@Override
			public byte[] transform(ClassLoader loader, String name, Class<?> old, ProtectionDomain domain,
						byte[] bytes) {
				for (int i = 0; i < classes.length; i++) {
					/* What is loaded meanwhile comes with a class that is not its own. */
					if (old != classes[i] || !(PACKAGE + CLASSES[i]).equals(name.replace('/', '.')))
						continue;
					try {
						changed[i] = Weaver.weave(bytes);
						return dry[0] ? null : changed[i];
					} catch (Throwable e) {
						failure[0] = e;
					}
				}
				return null;
			}
		};
		jvm.addTransformer(transformer, true);
		try {
			jvm.retransformClasses(classes);
			if (failure[0] != null)
				throw new IllegalStateException(failure[0]);
			dry[0] = false;
			jvm.retransformClasses(classes);
		} catch (Throwable e) {
			jvm.removeTransformer(transformer);
			throw e;
		}
	}

	private static void complain(Throwable e) {
		while (e.getCause() != null)
			e = e.getCause();
		String why = String.valueOf(e.getMessage()).replace('\n', ' ');
		System.err.println("obi-java: TLS stays unseen, nothing is changed: " + e.getClass().getSimpleName() +
				   ": " + why);
	}

	private Agent() {
	}
}
