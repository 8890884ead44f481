// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "export/text/flow_text.h"
#include "sample.h"

static void check(const struct obi_flow_record *record, const char *expected)
{
	struct buffer buf = { 0 };

	flow_put_text(record, &buf);
	buffer_put_char(&buf, '\0');
	assert_string_equal(buf.data, expected);
	buffer_free(&buf);
}

static void a_flow_prints_as_the_existing_program_prints_it(void **state)
{
	struct obi_flow_record record = sample_flow();

	record.src_cidr = record.dst_cidr = NULL;
	check(&record, "network_flow: transport=6 obi.ip=10.77.0.1 iface= iface_direction=1 "
		       "src.address=10.77.0.1 dst.address=10.77.0.2 src.name=10.77.0.1 "
		       "dst.name=10.77.0.2 src.port=33114 dst.port=8080 bytes=486 packets=6");
}

static void metadata_follow_where_they_are_configured(void **state)
{
	struct obi_flow_record record = sample_flow();

	record.iface = "pvA";
	record.flow.key.direction = OBI_INGRESS;
	record.dst_cidr = "";
	check(&record, "network_flow: transport=6 obi.ip=10.77.0.1 iface=pvA iface_direction=0 "
		       "src.address=10.77.0.1 dst.address=10.77.0.2 src.name=10.77.0.1 "
		       "dst.name=10.77.0.2 src.port=33114 dst.port=8080 src.cidr=10.77.0.0/24 "
		       "dst.cidr= bytes=486 packets=6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_prints_as_the_existing_program_prints_it),
		cmocka_unit_test(metadata_follow_where_they_are_configured),
	};

	return cmocka_run_group_tests_name("flow_text", tests, NULL, NULL);
}
