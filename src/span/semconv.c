// SPDX-License-Identifier: Apache-2.0
#include "span/semconv.h"

#include <string.h>

#include "base/address.h"
#include "base/cleanup.h"

const char *span_status_word(enum span_status status)
{
	return status == SPAN_STATUS_ERROR ? "STATUS_CODE_ERROR" : "STATUS_CODE_UNSET";
}

struct slice span_known_method(struct slice method)
{
	/* RFC 9110 section 9, RFC 5789; the commonest first. */
	static const struct slice known[] = {
		{ (const uint8_t *)"GET", 3 },     { (const uint8_t *)"POST", 4 },
		{ (const uint8_t *)"PUT", 3 },     { (const uint8_t *)"HEAD", 4 },
		{ (const uint8_t *)"DELETE", 6 },  { (const uint8_t *)"PATCH", 5 },
		{ (const uint8_t *)"OPTIONS", 7 }, { (const uint8_t *)"CONNECT", 7 },
		{ (const uint8_t *)"TRACE", 5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (slice_equal(method, known[i]))
			return known[i];
	}
	return SLICE_LIT("_OTHER");
}

uint32_t system_instrumentation(const struct obi_system *system)
{
	for (const struct obi_name *name = obi_instrumentation_names; name->name; name++) {
		if (strcmp(name->name, system->instrumentation) == 0)
			return (uint32_t)name->value;
	}
	return 0;
}

struct slice peer_named(struct slice name, const char *instead)
{
	return *instead && address_text(name) ? slice_cstr(instead) : name;
}

struct slice service_job(const struct obi_service *service, char *text, size_t size)
{
	size_t space = strlen(service->name_space), name = strlen(service->name);

	if (!space || space + 1 + name > size)
		return slice_of(service->name, name);
	memcpy(text, service->name_space, space);
	text[space] = '/';
	memcpy(text + space + 1, service->name, name);
	return slice_of(text, space + 1 + name);
}

struct slice service_host(const struct obi_service *service)
{
	const char *colon = strrchr(service->instance, ':');

	return slice_of(service->instance,
			colon ? (size_t)(colon - service->instance) : strlen(service->instance));
}
