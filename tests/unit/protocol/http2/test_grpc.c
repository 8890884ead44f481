// SPDX-License-Identifier: Apache-2.0
/* gRPC's fields: their values, and what they say. */
#include <errno.h>

#include "protocol/http2/grpc.h"
#include "protocol/http2/hex.h"

static bool is_grpc(const char *content_type)
{
	return grpc_is_content_type(guarded(slice_cstr(content_type)));
}

static void content_types(void **state)
{
	assert_true(is_grpc("application/grpc"));
	assert_true(is_grpc("application/grpc+proto"));
	assert_true(is_grpc("application/grpc+json;charset=utf-8"));
	assert_true(is_grpc("application/grpc;v=1"));
	assert_true(is_grpc("application/grpc ; v=1"));
	assert_true(is_grpc("Application/GRPC "));
	assert_false(is_grpc("application/grpc-web"));
	assert_false(is_grpc("application/grpc-web+proto"));
	assert_false(is_grpc("application/grpcx"));
	assert_false(is_grpc("application/grpc x"));
	assert_false(is_grpc("application/grp"));
	assert_false(is_grpc("application/json"));
	assert_false(is_grpc(""));
}

static void statuses(void **state)
{
	static const char *const bad[] = { "", "17", "-1", "1x", " 1", "OK", "4294967296", "1.0" };

	assert_int_equal(grpc_read_status(guarded(SLICE_LIT("0"))), GRPC_OK);
	assert_int_equal(grpc_read_status(guarded(SLICE_LIT("4"))), GRPC_DEADLINE_EXCEEDED);
	assert_int_equal(grpc_read_status(guarded(SLICE_LIT("16"))), GRPC_UNAUTHENTICATED);
	assert_int_equal(grpc_read_status(guarded(SLICE_LIT("007"))), GRPC_PERMISSION_DENIED);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(grpc_read_status(guarded(slice_cstr(bad[i]))), -EINVAL);
	assert_string_equal(grpc_status_name(0), "OK");
	assert_string_equal(grpc_status_name(4), "DEADLINE_EXCEEDED");
	assert_string_equal(grpc_status_name(16), "UNAUTHENTICATED");
	assert_null(grpc_status_name(17));
	assert_null(grpc_status_name(-EINVAL));
}

static void statuses_of_other_things(void **state)
{
	assert_int_equal(grpc_status_of_http(400), GRPC_INTERNAL);
	assert_int_equal(grpc_status_of_http(401), GRPC_UNAUTHENTICATED);
	assert_int_equal(grpc_status_of_http(403), GRPC_PERMISSION_DENIED);
	assert_int_equal(grpc_status_of_http(404), GRPC_UNIMPLEMENTED);
	assert_int_equal(grpc_status_of_http(429), GRPC_UNAVAILABLE);
	assert_int_equal(grpc_status_of_http(502), GRPC_UNAVAILABLE);
	assert_int_equal(grpc_status_of_http(503), GRPC_UNAVAILABLE);
	assert_int_equal(grpc_status_of_http(504), GRPC_UNAVAILABLE);
	assert_int_equal(grpc_status_of_http(200), GRPC_UNKNOWN);
	assert_int_equal(grpc_status_of_http(500), GRPC_UNKNOWN);
	assert_int_equal(grpc_status_of_reset(0x8), GRPC_CANCELLED);
	assert_int_equal(grpc_status_of_reset(0x7), GRPC_UNAVAILABLE);
	assert_int_equal(grpc_status_of_reset(0xb), GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(grpc_status_of_reset(0x0), GRPC_INTERNAL);
	assert_int_equal(grpc_status_of_reset(0xe), GRPC_UNKNOWN);
	assert_int_equal(grpc_status_of_reset(UINT32_MAX), GRPC_UNKNOWN);
}

static void assert_message(const char *value, size_t room_len, const char *want, bool want_cut)
{
	uint8_t room[64];
	bool cut = !want_cut;
	size_t len = grpc_decode_message(guarded(slice_cstr(value)), room, room_len, &cut);

	assert_slice(slice_of(room, len), want);
	assert_int_equal(cut, want_cut);
}

static void messages(void **state)
{
	assert_message("deadline exceeded", 64, "deadline exceeded", false);
	assert_message("50%25 of %C3%a4%0a", 64, "50% of \xc3\xa4\n", false);
	assert_message("100% of %zz %4", 64, "100% of %zz %4", false);
	assert_message("%", 64, "%", false);
	assert_message("", 64, "", false);
	assert_message("a%20b", 3, "a b", false);
	assert_message("a%20bc", 3, "a b", true);
	assert_message("a", 0, "", true);
}

static void paths(void **state)
{
	static const char *const bad[] = {
		"", "/", "//", "/Method", "/a/", "//Method", "a/b", "*"
	};
	struct grpc_path path;

	assert_int_equal(grpc_read_path(guarded(SLICE_LIT("/shop.v1.Cart/Get")), &path), 0);
	assert_slice(path.full, "shop.v1.Cart/Get");
	assert_slice(path.service, "shop.v1.Cart");
	assert_slice(path.method, "Get");
	assert_int_equal(grpc_read_path(guarded(SLICE_LIT("/prefix/S/M")), &path), 0);
	assert_slice(path.service, "prefix/S");
	assert_slice(path.method, "M");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(grpc_read_path(guarded(slice_cstr(bad[i])), &path), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_types),
		cmocka_unit_test(statuses),
		cmocka_unit_test(statuses_of_other_things),
		cmocka_unit_test(messages),
		cmocka_unit_test(paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
