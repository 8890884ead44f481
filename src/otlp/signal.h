/* SPDX-License-Identifier: Apache-2.0 */
/* What is exported by OTLP: a path, a queue and a lane of the sender each. */
#ifndef OBI_OTLP_SIGNAL_H
#define OBI_OTLP_SIGNAL_H

enum otlp_signal {
	OTLP_TRACES,
	OTLP_METRICS,
	OTLP_SIGNALS,
};

static inline const char *otlp_signal_name(enum otlp_signal signal)
{
	static const char *const names[OTLP_SIGNALS] = {
		[OTLP_TRACES] = "traces",
		[OTLP_METRICS] = "metrics",
	};

	return names[signal];
}

#endif
