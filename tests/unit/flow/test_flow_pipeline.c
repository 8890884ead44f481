// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flow/options.h"
#include "flow/pipeline.h"

static struct obi_flow_record got;
static char got_iface[32];

static void take(void *context, struct obi_flow_record *record)
{
	got = *record;
	(void)snprintf(got_iface, sizeof(got_iface), "%s", record->iface);
	assert_ptr_equal(record->src_name.data, record->src_address);
	assert_int_equal(record->dst_name.len, strlen(record->dst_address));
}

static struct obi_flow sample(void)
{
	return (struct obi_flow){
		.key = { .src_addr = { [10] = 0xff, 0xff, 10, 77, 0, 1 },
			 .dst_addr = { [0] = 0xfe, 0x80, [15] = 1 },
			 .src_port = 40596,
			 .dst_port = 8080,
			 .transport = 6,
			 .direction = OBI_DIRECTION_UNSET },
		.value = { .bytes = 486, .packets = 6, .first_direction = OBI_EGRESS },
	};
}

static void put(const struct obi_network_options *options, const struct obi_flow *flow)
{
	struct obi_flow_pipeline *pipeline =
		obi_flow_pipeline_new(options, "10.77.0.1", (struct obi_flow_sink){ .put = take });

	assert_non_null(pipeline);
	obi_flow_pipeline_iface(pipeline, 3, "pvA");
	obi_flow_pipeline_iface(pipeline, 4, "old");
	obi_flow_pipeline_iface(pipeline, 4, "new");
	obi_flow_pipeline_iface(pipeline, 4, "");
	obi_flow_pipeline_put(pipeline, flow);
	obi_flow_pipeline_free(pipeline);
}

static void addresses_become_text_and_names(void **state)
{
	struct obi_network_options options = { 0 };
	struct obi_flow flow = sample();

	put(&options, &flow);
	assert_string_equal(got.src_address, "10.77.0.1");
	assert_string_equal(got.dst_address, "fe80::1");
	assert_null(got.src_cidr);
	assert_null(got.dst_cidr);
	assert_int_equal(got.flow.value.bytes, 486);
}

/* Deduplicated flows have no interface, but a direction: that of the packets that counted. */
static void interface_and_direction_are_those_that_counted(void **state)
{
	struct obi_network_options options = { 0 };
	struct obi_flow flow = sample();

	put(&options, &flow);
	assert_string_equal(got_iface, "");
	assert_int_equal(got.flow.key.direction, OBI_EGRESS);
	flow.key.ifindex = 3;
	flow.key.direction = OBI_INGRESS;
	put(&options, &flow);
	assert_string_equal(got_iface, "pvA");
	assert_int_equal(got.flow.key.direction, OBI_INGRESS);
	flow.key.ifindex = 4; /* is gone, but its last flows still come */
	put(&options, &flow);
	assert_string_equal(got_iface, "new");
	flow.key.ifindex = 5;
	put(&options, &flow);
	assert_string_equal(got_iface, "");
}

static void networks_are_named_where_they_are_configured(void **state)
{
	struct obi_cidr item = { .prefix = { .address = { [10] = 0xff, 0xff, 10 },
					     .bits = 104,
					     .text = "10.0.0.0/8" },
				 .name = "" };
	struct obi_network_options options = { .cidrs = { &item, 1, true } };
	struct obi_flow flow = sample();

	put(&options, &flow);
	assert_string_equal(got.src_cidr, "10.0.0.0/8");
	assert_string_equal(got.dst_cidr, "");
}

static void ports_tell_the_server_where_that_is_asked_for(void **state)
{
	struct obi_network_options options = { .guess_ports = OBI_GUESS_PORTS_DISABLE };
	struct obi_flow flow = sample();

	put(&options, &flow);
	assert_int_equal(got.flow.value.initiator, OBI_INITIATOR_UNKNOWN);
	options.guess_ports = OBI_GUESS_PORTS_ORDINAL;
	put(&options, &flow);
	assert_int_equal(got.flow.value.initiator, OBI_INITIATOR_SRC);
	flow.value.initiator = OBI_INITIATOR_DST; /* known better */
	put(&options, &flow);
	assert_int_equal(got.flow.value.initiator, OBI_INITIATOR_DST);
	flow.value.initiator = OBI_INITIATOR_UNKNOWN;
	flow.key.src_port = 80;
	put(&options, &flow);
	assert_int_equal(got.flow.value.initiator, OBI_INITIATOR_DST);
	flow.key.src_port = flow.key.dst_port;
	put(&options, &flow);
	assert_int_equal(got.flow.value.initiator, OBI_INITIATOR_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_become_text_and_names),
		cmocka_unit_test(interface_and_direction_are_those_that_counted),
		cmocka_unit_test(networks_are_named_where_they_are_configured),
		cmocka_unit_test(ports_tell_the_server_where_that_is_asked_for),
	};

	return cmocka_run_group_tests_name("flow_pipeline", tests, NULL, NULL);
}
