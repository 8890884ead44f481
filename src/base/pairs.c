// SPDX-License-Identifier: Apache-2.0
#include "base/pairs.h"

bool pairs_next(struct slice *list, struct slice *ret_key, struct slice *ret_value)
{
	while (list->len) {
		ptrdiff_t comma = slice_find(*list, ',');
		struct slice entry = slice_first(*list, comma < 0 ? list->len : (size_t)comma);
		ptrdiff_t equals = slice_find(entry, '=');
		struct slice key, value;

		*list = slice_from(*list, comma < 0 ? list->len : (size_t)comma + 1);
		if (equals < 0)
			continue;
		key = slice_trim(slice_first(entry, (size_t)equals));
		value = slice_trim(slice_from(entry, (size_t)equals + 1));
		if (!key.len || !value.len)
			continue;
		*ret_key = key;
		*ret_value = value;
		return true;
	}
	return false;
}
