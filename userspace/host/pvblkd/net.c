// SPDX-License-Identifier: GPL-2.0-or-later
/* Parser of network models, and their arithmetic; see net.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "diskmodel.h"
#include "net.h"

enum property { NAME, BYTE, PACKET, SEGMENT, NR_PROPERTIES };

static const struct {
	const char *name;
	uint64_t max;
} properties[NR_PROPERTIES] = {
	[NAME]		= { "name" },
	[BYTE]		= { "byte_pj", PVBLK_MAX_BYTE_PJ },
	[PACKET]	= { "packet_pj", NETMODEL_MAX_PACKET_PJ },
	[SEGMENT]	= { "segment_size", NETMODEL_MAX_SEGMENT },
};

struct parser {
	struct netmodel *model;
	bool seen[NR_PROPERTIES];
	uint64_t number[NR_PROPERTIES];
};

static int set(struct modeltext *t, struct parser *p, enum property property,
	       const char *value)
{
	if (p->seen[property])
		return modeltext_fail(t, -EINVAL, "%s is there already",
				      properties[property].name);
	p->seen[property] = true;
	if (property == NAME)
		return diskmodel_set_name(t, p->model->name, value);
	return modeltext_number(t, properties[property].name, value,
				properties[property].max, &p->number[property]);
}

static int parse_line(struct modeltext *t, const char *keyword, char **rest,
		      void *parser)
{
	const char *value;

	for (int i = 0; i < NR_PROPERTIES; i++) {
		if (strcmp(keyword, properties[i].name))
			continue;
		value = modeltext_value(t, keyword, rest);
		return value ? set(t, parser, i, value) : -EINVAL;
	}
	return modeltext_fail(t, -EINVAL, "unknown keyword '%.64s'", keyword);
}

static int finish(struct modeltext *t, struct parser *p)
{
	struct netmodel *model = p->model;

	for (int i = BYTE; i < NR_PROPERTIES; i++)
		if (!p->seen[i])
			return modeltext_fail(t, -EINVAL, "%s is missing", properties[i].name);
	if (!p->number[SEGMENT])
		return modeltext_fail(t, -EINVAL, "segment_size is zero");
	model->byte_pj = p->number[BYTE];
	model->packet_pj = p->number[PACKET];
	model->segment_size = p->number[SEGMENT];
	if (net_max_byte_pj(model) > PVBLK_MAX_BYTE_PJ)
		return modeltext_fail(t, -EINVAL, "a byte costs more than %llu pJ",
				      PVBLK_MAX_BYTE_PJ);
	if (net_max_request_pj(model) > PVBLK_MAX_REQUEST_PJ)
		return modeltext_fail(t, -EINVAL, "a request costs more than %llu pJ",
				      PVBLK_MAX_REQUEST_PJ);
	return 0;
}

int netmodel_read(FILE *f, const char *file, struct netmodel *model,
		  char err[MODELTEXT_ERR_LEN])
{
	struct modeltext t = { .file = file, .err = err };
	struct parser p = { .model = model };
	int ret;

	memset(model, 0, sizeof(*model));
	strcpy(model->name, "net");
	ret = modeltext_read(&t, f, parse_line, &p);
	return ret ? ret : finish(&t, &p);
}

int netmodel_load(const char *file, struct netmodel *model,
		  char err[MODELTEXT_ERR_LEN])
{
	struct modeltext t = { .file = file, .err = err };
	FILE *f;
	int ret;

	f = modeltext_open(&t, &ret);
	if (!f)
		return ret;
	ret = netmodel_read(f, file, model, err);
	fclose(f);
	return ret;
}

static uint64_t roundup_div(uint64_t a, uint64_t b)
{
	return a / b + !!(a % b);
}

static uint64_t message_pj(const struct netmodel *model, uint64_t bytes)
{
	return bytes * model->byte_pj +
	       roundup_div(bytes, model->segment_size) * model->packet_pj;
}

uint64_t net_command_pj(const struct netmodel *model, uint64_t sent,
			uint64_t received)
{
	return message_pj(model, NET_REQUEST_HEADER + sent) +
	       message_pj(model, NET_REPLY_HEADER + received);
}

/* What a command costs beside its data, which may begin one more packet. */
static uint64_t command_pj(const struct netmodel *model)
{
	return net_command_pj(model, 0, 0) + model->packet_pj;
}

uint64_t net_max_byte_pj(const struct netmodel *model)
{
	return model->byte_pj + roundup_div(model->packet_pj, model->segment_size) +
	       roundup_div(command_pj(model), NET_MIN_COMMAND);
}

/* The last part of a request has no NET_MIN_COMMAND; a flush makes it stable. */
uint64_t net_max_request_pj(const struct netmodel *model)
{
	return (NET_MAX_PIECES + 2) * command_pj(model);
}
