// SPDX-License-Identifier: Apache-2.0
#include "base/host_id.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

void host_id_read(const char *const *paths, size_t count, char *ret_id, size_t size)
{
	ret_id[0] = '\0';
	for (size_t i = 0; i < count && !ret_id[0]; i++) {
		_cleanup_fclose_ FILE *file = fopen(paths[i], "re");

		if (!file || !fgets(ret_id, (int)size, file))
			ret_id[0] = '\0';
		ret_id[strcspn(ret_id, " \t\r\n")] = '\0';
	}
}

void host_id(const char *given, char *ret_id, size_t size)
{
	static const char *const paths[] = { "/etc/machine-id", "/var/lib/dbus/machine-id" };

	if (given && *given)
		(void)snprintf(ret_id, size, "%s", given);
	else
		host_id_read(paths, ARRAY_SIZE(paths), ret_id, size);
}
