// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/names.h"
#include "flow/options.h"

static void numbers_have_their_words(void **state)
{
	assert_string_equal(flow_transport_name(6), "TCP");
	assert_string_equal(flow_transport_name(17), "UDP");
	assert_string_equal(flow_transport_name(200), "UNKNOWN");
	assert_string_equal(flow_port_name(80), "www");
	assert_string_equal(flow_port_name(443), "https");
	assert_string_equal(flow_port_name(53), "domain");
	assert_string_equal(flow_port_name(2049), "nfsd");
	assert_string_equal(flow_port_name(7), "echo");
	assert_string_equal(flow_port_name(51820), "wireguard");
	assert_string_equal(flow_port_name(8080), "undefined");
	assert_string_equal(flow_port_name(0), "undefined");
	assert_string_equal(flow_network_type(0x0800), "ipv4");
	assert_string_equal(flow_network_type(0x86dd), "ipv6");
	assert_string_equal(flow_network_type(0x0806), "arp");
	assert_string_equal(flow_network_type(0), "unknown");
}

/* The words that `network.protocols` takes are those that metrics show. */
static void transports_agree_with_the_options(void **state)
{
	for (int i = 0; i < 256; i++) {
		const char *name = flow_transport_name((uint8_t)i);
		int number = obi_network_protocol_number(name);

		assert_true(number == i || number < 0);
	}
	assert_int_equal(obi_network_protocol_number(flow_transport_name(136)), 136);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_their_words),
		cmocka_unit_test(transports_agree_with_the_options),
	};

	return cmocka_run_group_tests_name("flow_names", tests, NULL, NULL);
}
