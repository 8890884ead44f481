// SPDX-License-Identifier: Apache-2.0
/* YAML as operators and attackers write it: what tree comes out, or what is said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "config/node.h"

struct reading {
	struct obi_arena *arena;
	struct obi_warnings warnings;
	struct obi_error error;
	struct obi_node *root;
	int result;
};

static struct reading read_slice(struct slice text)
{
	struct reading r = { .arena = obi_arena_new(16 << 20) };
	struct obi_yaml yaml = { "t.yaml", r.arena, &r.warnings, r.arena, &r.error };

	r.result = obi_yaml_read(&yaml, text, &r.root);
	return r;
}

static struct reading read_text(const char *text)
{
	return read_slice(slice_cstr(text));
}

static void put_node(struct buffer *buf, const struct obi_node *node)
{
	static const char brackets[][3] = { "", "[]", "{}" };
	const char *separator = "";

	if (node->kind == OBI_NODE_SCALAR) {
		buffer_put_cstr(buf, node->value);
		return;
	}
	buffer_put_char(buf, brackets[node->kind][0]);
	for (const struct obi_node *child = node->children; child; child = child->next) {
		buffer_put_cstr(buf, separator);
		if (child->key)
			buffer_printf(buf, "%s:", child->key);
		put_node(buf, child);
		separator = " ";
	}
	buffer_put_char(buf, brackets[node->kind][1]);
}

static void expect(const char *text, const char *want)
{
	struct reading r = read_text(text);
	struct buffer got = { 0 };

	if (r.result != 0)
		fail_msg("%s", r.error.text);
	if (r.root)
		put_node(&got, r.root);
	buffer_put_char(&got, '\0');
	assert_string_equal(got.data, want);
	buffer_free(&got);
	obi_arena_free(r.arena);
}

static void expect_fault(const char *text, const char *said)
{
	struct reading r = read_text(text);

	assert_int_equal(r.result, -EINVAL);
	assert_null(r.root);
	if (!strstr(r.error.text, said) || !strstr(r.error.text, "t.yaml"))
		fail_msg("said '%s', want '%s'", r.error.text, said);
	obi_arena_free(r.arena);
}

static void yaml_gives_scalars_lists_and_maps(void **state)
{
	expect("", "");
	expect("# nothing\n", "");
	expect("a: 1\nb: [x, 'y', {c: d}]\ne:\n  - f\n", "{a:1 b:[x y {c:d}] e:[f]}");
	expect("a: |\n  two\n  lines\n", "{a:two\nlines\n}");
	expect("\xef\xbb\xbf"
	       "a: 1\n",
	       "{a:1}");
	expect("--- !x\na: !!str 1\n...\n", "{a:1}");
}

static void yaml_lines_are_those_of_the_keys(void **state)
{
	struct reading r = read_text("a: 1\n\nb:\n  c:\n    2\n");

	assert_int_equal(r.root->children->line, 1);
	assert_int_equal(r.root->children->next->line, 3);
	assert_int_equal(r.root->children->next->children->line, 4);
	obi_arena_free(r.arena);
}

static void yaml_null_is_told_from_text(void **state)
{
	struct reading r = read_text("[~, null, Null, '', 'null', \"~\", nil]");
	static const bool want[] = { true, true, true, false, false, false, false };
	size_t i = 0;

	for (const struct obi_node *n = r.root->children; n; n = n->next)
		assert_int_equal(obi_node_is_null(n), want[i++]);
	assert_int_equal(i, ARRAY_SIZE(want));
	obi_arena_free(r.arena);
}

static void yaml_aliases_and_merge_keys_are_resolved(void **state)
{
	expect("a: &x {p: 1, q: 2}\nb: *x\n", "{a:{p:1 q:2} b:{p:1 q:2}}");
	expect("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", "{a:{p:1 q:2} b:{q:3 p:1}}");
	expect("a: &x {p: 1}\nb: &y {p: 2, r: 3}\nc: {<<: [*x, *y]}\n",
	       "{a:{p:1} b:{p:2 r:3} c:{p:1 r:3}}");
	expect("a: &x 1\nb: &x 2\nc: *x\n", "{a:1 b:2 c:2}");
	expect_fault("a: {<<: 1}\n", "'<<' needs a map");
	expect_fault("a: *nobody\n", "alias without an anchor");
	expect_fault("a: &x [1, *x]\n", "alias inside its own anchor");
	expect_fault("a: &x {b: {<<: *x}}\n", "alias inside its own anchor");
}

static void yaml_last_of_two_keys_counts_and_warns(void **state)
{
	struct reading r = read_text("a: 1\nb: 2\na: 3\n");

	assert_string_equal(r.root->children->value, "3");
	assert_int_equal(r.warnings.count, 1);
	assert_string_equal(r.warnings.first->option, "a");
	assert_string_equal(r.warnings.first->source, "t.yaml:3");
	obi_arena_free(r.arena);
}

static void yaml_reads_the_first_document_and_says_so(void **state)
{
	struct reading r = read_text("a: 1\n---\nb: 2\n");

	assert_int_equal(r.result, 0);
	assert_string_equal(r.root->children->key, "a");
	assert_int_equal(r.warnings.count, 1);
	obi_arena_free(r.arena);
}

static void yaml_faults_name_the_line(void **state)
{
	expect_fault("a: 1\n\tb: 2\n", "tab");
	expect_fault("a: 1\n\tb: 2\n", "t.yaml:2");
	expect_fault("a: 1\nb: \xff\xfe\n", "UTF-8");
	expect_fault("a: 1\nb: \xff\xfe\n", "t.yaml:2");
	expect_fault("a: [1\n", "t.yaml:");
	expect_fault("a: 1\n b: 2\n", "t.yaml:2");
	expect_fault("? [a]\n: b\n", "key that is a list or a map");
	expect_fault("a: \"x\\0y\"\n", "NUL");
	expect_fault("a: \x01\n", "UTF-8 text: control characters");
	expect_fault("%YAML 9\n---\na: 1", "t.yaml:1");
}

/* Six lines that would unfold into 9^9 values. */
static void yaml_does_not_unfold_small_files_into_huge_ones(void **state)
{
	uint64_t start = clock_monotonic_ns();
	struct buffer text = { 0 };

	buffer_put_cstr(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 20; i++)
		buffer_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
			      i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	buffer_put_char(&text, '\0');
	expect_fault(text.data, "too many values");
	assert_true(clock_monotonic_ns() - start < NSEC_PER_SEC);
	buffer_free(&text);
}

static void expect_repeated_fault(const char *piece, size_t times, const char *said)
{
	uint64_t start = clock_monotonic_ns();
	struct buffer text = { 0 };

	for (size_t i = 0; i < times; i++)
		buffer_printf(&text, piece, i);
	buffer_put_char(&text, '\0');
	expect_fault(text.data, said);
	assert_true(clock_monotonic_ns() - start < 5 * NSEC_PER_SEC);
	buffer_free(&text);
}

static void yaml_limits_hold(void **state)
{
	expect_repeated_fault("[", 10000, "nested too deep");
	expect_repeated_fault("{a: ", 10000, "nested too deep");
	expect_repeated_fault("- ", 100000, "nested too deep");
	expect_repeated_fault("- x\n", 30000, "too many values");
	expect_repeated_fault("k%zu: x\n", 2000, "too many keys");
	expect_repeated_fault("- &a%zu x\n", 1000, "too many anchors");
	expect_repeated_fault("%%TAG !a%zu! x\n", 50000, "too many directives");
	expect_repeated_fault("x: 0123456789\n", 80000, "larger than 1 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_gives_scalars_lists_and_maps),
		cmocka_unit_test(yaml_lines_are_those_of_the_keys),
		cmocka_unit_test(yaml_null_is_told_from_text),
		cmocka_unit_test(yaml_aliases_and_merge_keys_are_resolved),
		cmocka_unit_test(yaml_last_of_two_keys_counts_and_warns),
		cmocka_unit_test(yaml_reads_the_first_document_and_says_so),
		cmocka_unit_test(yaml_faults_name_the_line),
		cmocka_unit_test(yaml_does_not_unfold_small_files_into_huge_ones),
		cmocka_unit_test(yaml_limits_hold),
	};

	return cmocka_run_group_tests_name("config/node", tests, NULL, NULL);
}
