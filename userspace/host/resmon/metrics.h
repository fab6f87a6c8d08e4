/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures as OpenMetrics text, or in the older format of Prometheus. */
#ifndef RESMON_METRICS_H
#define RESMON_METRICS_H

#include <stdbool.h>
#include <stdio.h>

#include "view.h"

#define METRICS_OPEN_TYPE \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_PROMETHEUS_TYPE	"text/plain; version=0.0.4; charset=utf-8"

/**
 * metrics_write() - write what was read last
 * @out: where to
 * @v: the view
 * @prometheus: in the older format
 * @up: the monitor answered
 */
void metrics_write(FILE *out, const struct view *v, bool prometheus, bool up);

#endif /* RESMON_METRICS_H */
