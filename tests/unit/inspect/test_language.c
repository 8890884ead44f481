// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "inspect/elf_file.h"
#include "inspect/language.h"
#include "wire/wire.h"

struct sign {
	const char *text, *language;
};

static void check_signs(const struct sign *signs, size_t count,
			enum obi_language (*of)(struct slice text))
{
	for (size_t i = 0; i < count; i++) {
		const char *language = obi_language_name(of(slice_cstr(signs[i].text)));

		if (strcmp(language, signs[i].language) != 0)
			fail_msg("%s: %s instead of %s", signs[i].text, language,
				 signs[i].language);
	}
}

static void modules_tell_the_runtime(void **state)
{
	static const struct sign signs[] = {
		{ "/usr/lib\\//libcoreclr.so/dklksjdf", "dotnet" },
		{ "libcoreclr.so", "dotnet" },
		{ "/usr/lib\\//clr.so/dklksjdf", "generic" },
		{ "/usr/lib\\//libjvm.so/dklksjdf", "java" },
		{ "libjvm.so", "java" },
		{ "/usr/lib\\//libj9vm25.so/dklksjdf", "generic" },
		{ "/usr/bin/node", "nodejs" },
		{ "node", "nodejs" },
		{ "/usr/bin/nodes", "generic" },
		{ "/usr/bin/deno", "nodejs" },
		{ "/usr/local/bin/bun", "nodejs" },
		{ "/srv/node_modules/bun/bin/bun.exe", "nodejs" },
		{ "/usr/bin/bundle", "generic" },
		{ "/usr/lib/erlang/erts-13.1.5/bin/beam.smp", "erlang" },
		{ "/usr/bin/beamer", "generic" },
		{ "/usr/lib/x86_64-linux-gnu/libnode.so.108", "nodejs" },
		{ "/usr/bin/ruby", "ruby" },
		{ "/usr/bin/ruby3", "ruby" },
		{ "/usr/bin/ruby3.0", "ruby" },
		{ "ruby", "ruby" },
		{ "ruby3", "ruby" },
		{ "ruby3.1.2", "ruby" },
		{ "/usr/lib/x86_64-linux-gnu/libruby-3.2.so.3.2.3", "ruby" },
		{ "libruby-3.2", "generic" },
		{ "/usr/bin/python3.18", "python" },
		{ "python", "python" },
		{ "/usr/bin/python", "python" },
		{ "python3", "python" },
		{ "/usr/lib/libpython3.so", "python" },
		{ "/home/user/lib/libpython3.12.so.1.0", "python" },
		{ "libpython3", "generic" },
		{ "libpython3.x.so", "generic" },
		{ "/usr/lib/rubybutnotreallyruby", "generic" },
		{ "/usr/lib/pythonbutnotreallypython", "generic" },
		{ "/usr/bin/python/server", "generic" },
		{ "/", "generic" },
		{ "", "generic" },
	};

	check_signs(signs, ARRAY_SIZE(signs), obi_language_of_module);
}

static void symbols_tell_compiled_languages(void **state)
{
	static const struct sign signs[] = {
		{ "rust_panic", "rust" },
		{ "ZN387639_rust_panic_.NAME", "rust" },
		{ "JVM_2398743897", "java" },
		{ "graal_testing", "java" },
		{ "graal", "generic" },
		{ "rust", "generic" },
		{ "xJVM_x", "generic" },
		{ "", "generic" },
		{ "napi_module_register", "nodejs" },
	};

	check_signs(signs, ARRAY_SIZE(signs), obi_language_of_symbol);
}

static void environment_tells_dotnet(void **state)
{
	static const struct sign signs[] = {
		{ "ASPNETCORE_HTTP_PORTS", "dotnet" },
		{ "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "dotnet" },
		{ "SOME_ENV_VAR", "generic" },
		{ "DOT", "generic" },
	};

	check_signs(signs, ARRAY_SIZE(signs), obi_language_of_variable);
}

static void executable_name_tells_php(void **state)
{
	static const struct sign signs[] = {
		{ "php", "php" },
		{ "/usr/sbin/php-fpm8.2", "php" },
		{ "/srv/php/bin/server", "generic" },
		{ "python", "generic" },
	};

	check_signs(signs, ARRAY_SIZE(signs), obi_language_of_path);
}

static void cpp_runtime_is_the_last_resort(void **state)
{
	static const struct sign signs[] = {
		{ "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "cpp" },
		{ "/usr/lib/libc++.so.1", "cpp" },
		{ "libstdc++", "generic" },
		{ "/usr/lib/libsomething.so", "generic" },
	};

	check_signs(signs, ARRAY_SIZE(signs), obi_language_of_last_resort);
}

/* As they stand in telemetry.sdk.language and in selectors, where a name is a short word of small
 * letters (src/broker/tell.c). */
static void names_are_those_of_the_conventions(void **state)
{
	static const char *const names[] = { "generic", "go",   "java", "dotnet", "python", "ruby",
					     "nodejs",  "rust", "php",  "cpp",    "erlang" };

	assert_int_equal(ARRAY_SIZE(names), OBI_LANGUAGES);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *name = obi_language_name((enum obi_language)i);

		assert_string_equal(name, names[i]);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz"), strlen(name));
		assert_true(strlen(name) < sizeof(((struct obi_wire_language *)0)->name));
		assert_int_equal(obi_language_settled((enum obi_language)i),
				 strcmp(name, "generic") != 0 && strcmp(name, "cpp") != 0);
	}
}

/* ---- Whole processes
 * ----------------------------------------------------------------------------- */

#define MAP(perms_, path_)                                                                         \
	"7f0000000000-7f0000001000 " perms_ " 00000000 08:01 42          " path_ "\n"

static const char *inspect(const char *exe, const char *maps, enum obi_language environment)
{
	_cleanup_close_ int fd = elf_file_fd(maps, strlen(maps));
	struct obi_program program = {
		.exe = exe, .exe_fd = -1, .maps_fd = fd, .environment = environment
	};

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return obi_language_name(obi_language_inspect(&program));
}

static void mapped_code_decides(void **state)
{
	assert_string_equal(inspect("/usr/bin/csrv",
				    MAP("r-xp", "/usr/bin/csrv")
					    MAP("r-xp", "/lib/x86_64-linux-gnu/libc.so.6"),
				    OBI_LANGUAGE_GENERIC),
			    "generic");
	assert_string_equal(inspect("/usr/bin/python3.11", "", OBI_LANGUAGE_GENERIC), "python");
	assert_string_equal(inspect("/opt/launcher",
				    MAP("r-xp", "/opt/launcher")
					    MAP("r-xp", "/opt/jdk/lib/server/libjvm.so"),
				    OBI_LANGUAGE_GENERIC),
			    "java");
	/* A data file of that name, an anonymous mapping, one that was replaced. */
	assert_string_equal(
		inspect("/usr/bin/csrv", MAP("r--p", "/data/node"), OBI_LANGUAGE_GENERIC),
		"generic");
	assert_string_equal(inspect("/usr/bin/csrv", MAP("r-xp", "") MAP("r-xp", "[vdso]"),
				    OBI_LANGUAGE_GENERIC),
			    "generic");
	assert_string_equal(inspect("/usr/bin/csrv", MAP("r-xp", "/usr/bin/ruby3.1 (deleted)"),
				    OBI_LANGUAGE_GENERIC),
			    "ruby");
}

static void surer_signs_come_first(void **state)
{
	const char *cpp = MAP("r-xp", "/usr/lib/libstdc++.so.6");
	const char *both = MAP("r-xp", "/usr/lib/libstdc++.so.6") MAP("r-xp", "/usr/bin/node");

	assert_string_equal(inspect("/usr/bin/mysqld", cpp, OBI_LANGUAGE_GENERIC), "cpp");
	assert_string_equal(inspect("/usr/bin/mysqld", both, OBI_LANGUAGE_GENERIC), "nodejs");
	assert_string_equal(inspect("/usr/bin/app", cpp, OBI_LANGUAGE_DOTNET), "dotnet");
	assert_string_equal(inspect("/usr/sbin/php-fpm8.2", cpp, OBI_LANGUAGE_GENERIC), "php");
	assert_string_equal(inspect(NULL, "", OBI_LANGUAGE_GENERIC), "generic");
	/* BEAM is written in C++, in part. */
	assert_string_equal(
		inspect("/usr/lib/erlang/erts-13.1.5/bin/beam.smp", cpp, OBI_LANGUAGE_GENERIC),
		"erlang");
}

static void go_beats_everything_and_symbols_beat_the_environment(void **state)
{
	static const char rust[] = "\0rust_panic\0";
	static struct elf_file file;
	struct obi_program program = { .exe = "/usr/bin/python3", .maps_fd = -1 };

	elf_file_begin(&file);
	(void)elf_file_add(&file, ".gopclntab", SHT_PROGBITS, "x", 1);
	elf_file_end(&file, 1);
	program.exe_fd = elf_file_fd(file.bytes, file.len);
	assert_int_equal(obi_language_inspect(&program), OBI_LANGUAGE_GO);
	(void)close(program.exe_fd);
	elf_file_begin(&file);
	(void)elf_file_add(&file, ".strtab", SHT_STRTAB, rust, sizeof(rust));
	elf_file_end(&file, 1);
	program.exe_fd = elf_file_fd(file.bytes, file.len);
	program.exe = "/usr/bin/app";
	program.environment = OBI_LANGUAGE_DOTNET;
	assert_int_equal(obi_language_inspect(&program), OBI_LANGUAGE_RUST);
	(void)close(program.exe_fd);
}

static void assert_by(const char *exe, const char *maps, enum obi_language environment,
		      enum obi_language_by by, const char *module)
{
	_cleanup_close_ int fd = elf_file_fd(maps, strlen(maps));
	struct obi_language_sign sign = { 0 };
	struct obi_program program = {
		.exe = exe, .exe_fd = -1, .maps_fd = fd, .environment = environment, .sign = &sign
	};

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	(void)obi_language_inspect(&program);
	assert_int_equal(sign.by, by);
	assert_string_equal(sign.module, module);
}

static void what_told_it_is_told(void **state)
{
	const char *cpp = MAP("r-xp", "/usr/lib/libstdc++.so.6");
	const char *both = MAP("r-xp", "/usr/lib/libstdc++.so.6") MAP("r-xp", "/usr/bin/node");
	struct buffer longest = { 0 };
	char cut[256];

	assert_by("/bin/app", "", OBI_LANGUAGE_GENERIC, OBI_LANGUAGE_BY_NOTHING, "");
	assert_by("/bin/ruby", cpp, OBI_LANGUAGE_GENERIC, OBI_LANGUAGE_BY_EXECUTABLE, "");
	assert_by("/bin/app", both, OBI_LANGUAGE_GENERIC, OBI_LANGUAGE_BY_MODULE, "/usr/bin/node");
	assert_by("/bin/app", cpp, OBI_LANGUAGE_DOTNET, OBI_LANGUAGE_BY_VARIABLE, "");
	assert_by("/bin/php-fpm", cpp, OBI_LANGUAGE_GENERIC, OBI_LANGUAGE_BY_FILE_NAME, "");
	assert_by("/bin/app", cpp, OBI_LANGUAGE_GENERIC, OBI_LANGUAGE_BY_CPP_LIBRARY,
		  "/usr/lib/libstdc++.so.6");
	buffer_put_cstr(&longest, "7f0000000000-7f0000001000 r-xp 0 08:01 42 /");
	for (int i = 0; i < 300; i++)
		buffer_put_char(&longest, 'x');
	buffer_put_cstr(&longest, "/node\n");
	buffer_put_char(&longest, '\0');
	memset(cut, 'x', sizeof(cut));
	cut[0] = '/';
	cut[sizeof(cut) - 1] = '\0';
	assert_by("/bin/app", longest.data, OBI_LANGUAGE_GENERIC, OBI_LANGUAGE_BY_MODULE, cut);
	buffer_free(&longest);
}

static void line_is_read_wherever_a_piece_ends(void **state)
{
	const char *node = MAP("r-xp", "/usr/bin/node");

	for (size_t pad = 8192 - strlen(node) - 2; pad < 8192 + 2; pad++) {
		struct buffer maps = { 0 };

		while (maps.len + 100 < pad)
			buffer_put_cstr(&maps, MAP("r-xp", "/lib/x.so"));
		buffer_put_cstr(&maps, "7f0000000000-7f0000001000 r-xp 0 08:01 42 /");
		while (maps.len < pad - 1)
			buffer_put_char(&maps, 'x');
		buffer_put_char(&maps, '\n');
		buffer_put(&maps, node, strlen(node) + 1);
		assert_string_equal(inspect("/bin/app", maps.data, OBI_LANGUAGE_GENERIC), "nodejs");
		buffer_free(&maps);
	}
}

static void endless_line_and_endless_maps_end(void **state)
{
	_cleanup_close_ int fd = memfd_create("maps", MFD_CLOEXEC);
	struct obi_program program = { .exe = "/bin/app", .exe_fd = -1, .maps_fd = fd };

	assert_int_equal(ftruncate(fd, (off_t)1 << 34), 0);
	assert_int_equal(obi_language_inspect(&program), OBI_LANGUAGE_GENERIC);
}

static void own_process_is_inspected_for_real(void **state)
{
	_cleanup_close_ int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	struct obi_program program = { .exe = "/test", .exe_fd = exe, .maps_fd = maps };
	enum obi_language language = obi_language_inspect(&program);

	/* The sanitizers may bring the C++ runtime along. */
	assert_true(language == OBI_LANGUAGE_GENERIC || language == OBI_LANGUAGE_CPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modules_tell_the_runtime),
		cmocka_unit_test(symbols_tell_compiled_languages),
		cmocka_unit_test(environment_tells_dotnet),
		cmocka_unit_test(executable_name_tells_php),
		cmocka_unit_test(cpp_runtime_is_the_last_resort),
		cmocka_unit_test(names_are_those_of_the_conventions),
		cmocka_unit_test(mapped_code_decides),
		cmocka_unit_test(surer_signs_come_first),
		cmocka_unit_test(go_beats_everything_and_symbols_beat_the_environment),
		cmocka_unit_test(what_told_it_is_told),
		cmocka_unit_test(line_is_read_wherever_a_piece_ends),
		cmocka_unit_test(endless_line_and_endless_maps_end),
		cmocka_unit_test(own_process_is_inspected_for_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
