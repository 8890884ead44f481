// SPDX-License-Identifier: Apache-2.0
#include "verb/explain_unseen.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "base/cleanup.h"
#include "caps/check.h"

/* ---- Unreadable ------------------------------------------------------------------------------ */

static void say_unreadable(const struct explained *explained, const char *what, int error,
			   uint64_t takes, struct explain_out *out)
{
	bool refused = error == -EACCES || error == -EPERM;
	uint64_t missing = takes & ~explained->held;
	struct buffer names = { 0 };

	if (!error)
		return;
	out_begin(out, NULL, '{');
	out_text(out, "what", what);
	out_text(out, "error",
		 error == LOOK_UNSAFE ? "of a file system in user space, which nobody has to answer"
				      : strerror(-error));
	if (refused && missing) {
		obi_caps_print(&names, missing);
		out_slice(out, "takes", slice_of(names.data, names.len));
	} else if (refused) {
		out_text(out, "takes",
			 "more than capabilities: its user namespace, or a module of "
			 "the kernel, says no");
	}
	out_end(out, '}');
	buffer_free(&names);
}

#define SEARCH OBI_CAP(CAP_DAC_READ_SEARCH)

/* An error, or 0. */
static int not_opened(const struct explained *explained)
{
	for (uint32_t i = 0; i < explained->identity.file_count; i++)
		if (explained->not_opened[i])
			return explained->not_opened[i];
	return 0;
}

bool explain_is_unreadable(const struct explained *explained)
{
	return explained->refused[0] || explained->refused[1] || explained->refused[2] ||
	       explained->process.ports_error || explained->not_identified || not_opened(explained);
}

/* Where its executable is known, which is so here, it may be looked at: CAP_SYS_PTRACE, or its
 * user. */
void explain_say_unreadable(const struct explained *explained, struct explain_out *out)
{
	bool mapped = explained->held & OBI_CAP(CAP_CHECKPOINT_RESTORE);

	out_begin(out, "unreadable", '[');
	say_unreadable(explained, "environment (service name, language)", explained->refused[0],
		       SEARCH, out);
	say_unreadable(explained, "mappings (language, libraries)", explained->refused[1],
		       OBI_CAP(CAP_SYS_PTRACE), out);
	say_unreadable(explained, "executable (language)", explained->refused[2], SEARCH, out);
	say_unreadable(explained, "descriptors (listening ports)", explained->process.ports_error,
		       SEARCH, out);
	say_unreadable(explained, "mapped files (libraries)", not_opened(explained),
		       mapped ? SEARCH : OBI_CAP(CAP_CHECKPOINT_RESTORE), out);
	say_unreadable(explained, "all of these: who read them did not end well",
		       explained->not_identified, 0, out);
	out_end(out, ']');
}

/* ---- Unseen ---------------------------------------------------------------------------------- */

static void say_unseen(struct explain_out *out, const char *what, const char *remedy)
{
	out_begin(out, NULL, '{');
	out_text(out, "what", what);
	out_text(out, "remedy", remedy);
	out_end(out, '}');
}

/* What an agent of this configuration would not see of any process. */
static void say_of_agent(const struct explained *explained, struct explain_out *out)
{
	struct buffer buf = { 0 };
	struct obi_error error;
	char why[256];

	if (obi_host_check(explained->host, why, sizeof(why)))
		say_unseen(out, why, "another kernel");
	if (obi_settings_validate(explained->settings, &error))
		say_unseen(out, "anything: the agent would not start", error.text);
	if (!obi_settings_application(explained->settings) || !explained->missing)
		return;
	buffer_put_cstr(&buf, "what takes a capability that neither this file nor its user has: ");
	obi_caps_print(&buf, explained->missing);
	out_begin(out, NULL, '{');
	out_slice(out, "what", slice_of(buf.data, buf.len));
	out_text(out, "remedy", "none where the agent is started otherwise; see obi check");
	out_end(out, '}');
	buffer_free(&buf);
}

static bool language_is(const struct explained *explained, enum obi_language language)
{
	return !strcmp(explained->identity.service.language, obi_language_name(language));
}

static bool has_java_helper(const struct explained *explained)
{
	for (uint32_t i = 0; i < explained->identity.file_count; i++)
		if (strstr(explained->identity.files[i].path, "/libobi-java.so"))
			return true;
	return false;
}

static void say_of_language(const struct explained *explained, struct explain_out *out)
{
	static const struct {
		enum obi_language language;
		const char *what, *remedy;
	} rows[] = {
		{ OBI_LANGUAGE_GO, "what crypto/tls encrypts",
		  "none yet; TLS that a proxy in front of it ends is seen there" },
		{ OBI_LANGUAGE_RUST, "what rustls encrypts",
		  "none yet; OpenSSL (native-tls) is seen" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (language_is(explained, rows[i].language))
			say_unseen(out, rows[i].what, rows[i].remedy);
	if (language_is(explained, OBI_LANGUAGE_JAVA) && !has_java_helper(explained))
		say_unseen(
			out, "what the JVM's own TLS encrypts",
			"-javaagent:/usr/local/share/obi/obi-java.jar, see docs/java.md; TLS that "
			"a proxy in front of it ends is seen there");
}

/* Node.js and asyncio move the bytes between library and socket themselves. */
static void say_of_memory(const struct explained *explained, struct explain_out *out)
{
	bool joined = false;

	if (!explained->identity.asyncio && !language_is(explained, OBI_LANGUAGE_NODEJS))
		return;
	for (uint32_t i = 0; i < explained->identity.file_count; i++)
		joined |= explained->libraries[i].random;
	if (joined)
		say_unseen(
			out,
			"what it encrypts in memory on connections that are older than the agent",
			"new connections");
	else if (!not_opened(explained))
		say_unseen(out,
			   "what it encrypts in memory: no library shows where it keeps the random "
			   "that tells the socket",
			   "a library with SSL_get_client_random; blocking sockets");
}

/* NULL where nothing is known of it. */
static const struct explain_library *executable_of(const struct explained *explained)
{
	for (uint32_t i = 0; i < explained->identity.file_count; i++)
		if (explained->identity.files[i].executable && !explained->not_opened[i] &&
		    !explained->not_read[i])
			return &explained->libraries[i];
	return NULL;
}

static bool has_library(const struct explained *explained)
{
	for (uint32_t i = 0; i < explained->identity.file_count; i++)
		if (explained->libraries[i].sites)
			return true;
	return false;
}

static void say_of_files(const struct explained *explained, struct explain_out *out)
{
	const struct explain_library *executable = executable_of(explained);

	for (uint32_t i = 0; i < explained->identity.file_count; i++)
		if (explained->libraries[i].functions && !explained->libraries[i].sites)
			say_unseen(out, explained->identity.files[i].path,
				   "none: please report it");
	if (explained->identity.more_files)
		say_unseen(out, "nothing: more files than are told of here are mapped", "none");
	if (!executable || has_library(explained))
		return;
	if (executable->error == -ENOEXEC)
		say_unseen(out, "what a program of 32 bits encrypts", "a build of 64 bits");
	else if (!executable->error && executable->stripped &&
		 !language_is(explained, OBI_LANGUAGE_GO))
		say_unseen(
			out,
			"what it encrypts, if a TLS library is linked into the executable: that is "
			"stripped, so that this cannot be told",
			"a build with its symbols, or one that uses the shared library");
}

static void say_of_tls(const struct explained *explained, struct explain_out *out)
{
	if (!explained->settings->broker.tls_probes) {
		say_unseen(out, "what it encrypts: ebpf.tls_probes is off",
			   "OTEL_EBPF_BPF_TLS_PROBES=true");
		return;
	}
	if (obi_host_before(explained->host, 5, 12))
		say_unseen(out, "what it encrypts", "a kernel from 5.12 on");
	else if (obi_host_before(explained->host, 6, 6))
		say_unseen(out, "what it encrypts, unless the agent has CAP_SYS_ADMIN",
			   "a kernel from 6.6 on, or that capability");
	say_of_language(explained, out);
	say_of_memory(explained, out);
	say_of_files(explained, out);
}

void explain_say_unseen(const struct explained *explained, struct explain_out *out)
{
	out_begin(out, "unseen", '[');
	say_of_agent(explained, out);
	if (explained->own)
		say_unseen(out, "anything: this program leaves itself alone", "none");
	else if (!explained->choice.selected)
		say_unseen(
			out, "anything: it is not selected",
			"OTEL_EBPF_TARGET_PID, OTEL_EBPF_OPEN_PORT, OTEL_EBPF_AUTO_TARGET_EXE or "
			"discovery.instrument");
	say_of_tls(explained, out);
	if (explained->process.rings)
		say_unseen(out,
			   "what io_uring moves out of registered buffers, and some of its other "
			   "requests where the plane is the socket tracepoints",
			   "docs/calls.md; obi check says which plane it is");
	out_end(out, ']');
}
