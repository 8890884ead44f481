# SPDX-License-Identifier: Apache-2.0
"""One module an item: TITLE, and run(report, quick). ORDER is that of the whole run."""
ORDER = ["request", "tls", "redis", "syscall", "packet", "flows", "replay", "otlp", "send", "series", "load", "churn",
         "idle", "memory", "start", "size", "hits"]
