// SPDX-License-Identifier: Apache-2.0
/*
 * The native half of obi-java.jar: calls shaped as those of a TLS library, for probes. They do
 * nothing; what passes through them is seen by an agent that probes this file, if there is one.
 */
#include <jni.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PROBED __attribute__((visibility("default"), noinline, noclone))
#define PIECE 16384 /* bytes: the most that a record of TLS has */

struct session {
	uint64_t unused[4]; /* nobody looks for a random before the 16th byte */
	uint8_t random[32]; /* of the ClientHello, or zeros */
};

PROBED int obi_java_read(struct session *session, const void *memory, int len)
{
	/* First an instruction that a probe can emulate, and no two functions the same. */
	__asm__ volatile("nop" : "+r"(len) : "r"(session), "r"(memory) : "memory");
	return len;
}

PROBED int obi_java_write(struct session *session, const void *memory, int len)
{
	__asm__ volatile("nop\n\tnop" : "+r"(len) : "r"(session), "r"(memory) : "memory");
	return len;
}

/* What this thread does with sockets from here on is the session's; NULL: no session's. */
PROBED void obi_java_inside(struct session *session)
{
	__asm__ volatile("nop" ::"r"(session) : "memory");
}

PROBED void obi_java_free(struct session *session)
{
	free(session);
}

/* Shows where a session has it. */
PROBED void obi_java_random(const struct session *session, uint8_t *ret_random)
{
	memcpy(ret_random, session->random, sizeof(session->random));
}

JNIEXPORT jlong JNICALL Java_obi_java_Hook_open(JNIEnv *env, jclass hook)
{
	return (jlong)(intptr_t)calloc(1, sizeof(struct session));
}

JNIEXPORT void JNICALL Java_obi_java_Hook_free(JNIEnv *env, jclass hook, jlong session)
{
	obi_java_free((struct session *)(intptr_t)session);
}

JNIEXPORT void JNICALL Java_obi_java_Hook_inside(JNIEnv *env, jclass hook, jlong session)
{
	obi_java_inside((struct session *)(intptr_t)session);
}

JNIEXPORT void JNICALL Java_obi_java_Hook_random(JNIEnv *env, jclass hook, jlong session,
						 jbyteArray random)
{
	struct session *s = (struct session *)(intptr_t)session;

	if ((*env)->GetArrayLength(env, random) == sizeof(s->random))
		(*env)->GetByteArrayRegion(env, random, 0, sizeof(s->random), (jbyte *)s->random);
}

/* Copied: memory of the heap moves. */
JNIEXPORT void JNICALL Java_obi_java_Hook_moved(JNIEnv *env, jclass hook, jlong session,
						jboolean sent, jbyteArray bytes, jint at, jint len)
{
	struct session *s = (struct session *)(intptr_t)session;
	jbyte piece[PIECE];

	while (len > 0) {
		jint n = len < PIECE ? len : PIECE;

		(*env)->GetByteArrayRegion(env, bytes, at, n, piece);
		if ((*env)->ExceptionCheck(env)) {
			(*env)->ExceptionClear(env);
			return;
		}
		if (sent)
			obi_java_write(s, piece, n);
		else
			obi_java_read(s, piece, n);
		at += n;
		len -= n;
	}
}
