// SPDX-License-Identifier: Apache-2.0
/* What a process is called, from its environment alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "inspect/environ.h"
#include "service/table.h"
#include "worker/process.h"

static void put_variable(struct buffer *bytes, const char *text)
{
	buffer_put(bytes, text, strlen(text) + 1);
}

/* Variables of Kubernetes, one for each port of each service of the namespace. */
static void put_services(struct buffer *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buffer_printf(bytes, "SERVICE_%zu_PORT_8080_TCP_ADDR=10.0.0.1", i);
		buffer_put_char(bytes, '\0');
	}
}

/* namespace/name of a process with this environment, which is freed. */
static const char *name_of(struct buffer *bytes)
{
	static struct obi_service service;
	struct obi_wire_process message = { .pid = 7,
					    .fds = OBI_WIRE_HAS_ENVIRON,
					    .exe = "/a/app" };
	struct obi_services *services = obi_services_new(4, 1);
	int fd = memfd_create("environ", MFD_CLOEXEC);
	const struct obi_service *found;
	static char text[sizeof(service.name) + sizeof(service.name_space) + 2];

	assert_int_equal(write(fd, bytes->data, bytes->len), bytes->len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	found = obi_worker_inspect("vm", services, &message, &fd, 1);
	assert_non_null(found);
	service = *found;
	(void)snprintf(text, sizeof(text), "%s/%s", service.name_space, service.name);
	obi_services_free(services);
	(void)close(fd);
	buffer_free(bytes);
	return text;
}

static void a_name_counts_wherever_it_stands(void **state)
{
	struct buffer bytes = { 0 };

	put_services(&bytes, 130000); /* 5 MiB and more */
	assert_true(bytes.len > 5u << 20 && bytes.len < OBI_ENVIRON_MAX - 100);
	put_variable(&bytes, "OTEL_SERVICE_NAME=cart");
	assert_string_equal(name_of(&bytes), "/cart");
}

static void a_long_list_is_read_to_its_end(void **state)
{
	struct buffer bytes = { 0 };

	buffer_put_cstr(&bytes, "OTEL_RESOURCE_ATTRIBUTES=a=1");
	while (bytes.len < OBI_ENVIRON_ENTRY_MAX - 200)
		buffer_put_cstr(&bytes, ",some.attribute=of%20many");
	put_variable(&bytes, ",service.name=my%20shop,service.namespace=n%2Fs");
	assert_string_equal(name_of(&bytes), "n/s/my shop");
}

static void a_placeholder_is_filled_from_before_and_behind(void **state)
{
	struct buffer bytes = { 0 };

	put_variable(&bytes, "POD_NAME=cart-1");
	put_services(&bytes, 5000);
	put_variable(&bytes, "OTEL_RESOURCE_ATTRIBUTES=service.name=$(POD_NAME),"
			     "service.namespace=${NAMESPACE}");
	put_services(&bytes, 5000);
	put_variable(&bytes, "NAMESPACE=shop");
	assert_string_equal(name_of(&bytes), "shop/cart-1");
}

static void an_unfilled_placeholder_is_no_name(void **state)
{
	struct buffer bytes = { 0 };

	put_variable(&bytes, "EMPTY=");
	put_variable(&bytes, "OTEL_SERVICE_NAME=$(POD_NAME)");
	put_variable(&bytes, "OTEL_RESOURCE_ATTRIBUTES=service.name=${EMPTY},"
			     "service.namespace=$(OTEL_SERVICE_NAME)");
	assert_string_equal(name_of(&bytes), "/app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_counts_wherever_it_stands),
		cmocka_unit_test(a_long_list_is_read_to_its_end),
		cmocka_unit_test(a_placeholder_is_filled_from_before_and_behind),
		cmocka_unit_test(an_unfilled_placeholder_is_no_name),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
