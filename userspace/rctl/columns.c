// SPDX-License-Identifier: GPL-2.0-or-later
/* The columns of rctl top and rctl stat. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libsmartcols/libsmartcols.h>

#include "columns.h"

/* Of each device: access and base, access, base. */
enum { DEV_BOTH, DEV_ACCESS, DEV_BASE, DEV_COLUMNS };

static const char *const dev_suffix[] = {
	[DEV_BOTH] = "", [DEV_ACCESS] = ".access", [DEV_BASE] = ".base",
};

/* As wide as most values: "-999 mW", and microjoules of some hours. */
#define WIDTH		8
#define WIDTH_EXACT	12

/* Returns 1 if anything is new, 0, or a negative errno. */
static int add_device(struct columns *c, const char *name, size_t len, bool seen)
{
	struct column_device *dev;
	size_t i;

	for (i = 0; i < c->ndevices; i++) {
		dev = &c->device[i];
		if (strlen(dev->name) != len ||
		    strncasecmp(dev->name, name, len))
			continue;
		if (dev->seen || !seen)
			return 0;
		/* As its files have it. */
		memcpy(dev->name, name, len);
		dev->seen = true;
		return 1;
	}
	dev = reallocarray(c->device, c->ndevices + 1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	c->device = dev;
	dev += c->ndevices;
	dev->name = strndup(name, len);
	if (!dev->name)
		return -ENOMEM;
	dev->seen = seen;
	c->ndevices++;
	return 1;
}

static int add_devices(struct columns *c, const struct rcfs_node *node)
{
	int ret, any = 0;
	size_t i;

	for (i = 0; i < node->energy.ndevs; i++) {
		const char *name = node->energy.dev[i].name;

		ret = add_device(c, name, strlen(name), true);
		if (ret < 0)
			return ret;
		any |= ret;
	}
	return any;
}

/* "disk.access" may be asked for before there is a disk. */
static int add_asked(struct columns *c)
{
	const char *p = c->list ? c->list : "";
	int ret = 0;

	p += *p == '+';
	while (ret >= 0 && *p) {
		size_t len = strcspn(p, ","), k;

		for (k = DEV_ACCESS; ret >= 0 && k < DEV_COLUMNS; k++) {
			size_t tail = strlen(dev_suffix[k]);

			if (len > tail && !strncasecmp(p + len - tail,
						       dev_suffix[k], tail))
				ret = add_device(c, p, len - tail, false);
		}
		p += len + (p[len] == ',');
	}
	return ret;
}

static void free_infos(struct columns *c, size_t ninfos)
{
	size_t i;

	for (i = COL_FIXED; c->infos && i < ninfos; i++)
		free((char *)c->infos[i].name);
	free(c->infos);
	c->infos = NULL;
}

static char *heading(const char *device, const char *suffix)
{
	char *name = malloc(strlen(device) + strlen(suffix) + 1), *p;

	if (!name)
		return NULL;
	strcpy(stpcpy(name, device), suffix);
	for (p = name; *p; p++)
		*p = toupper((unsigned char)*p);
	return name;
}

static int make_infos(struct columns *c)
{
	size_t i, n = COL_FIXED + DEV_COLUMNS * c->ndevices;

	c->infos = calloc(n, sizeof(*c->infos));
	if (!c->infos)
		return -ENOMEM;
	memcpy(c->infos, c->fixed, COL_FIXED * sizeof(*c->infos));
	for (i = COL_FIXED; i < n; i++) {
		c->infos[i] = (struct colinfo){
			.name = heading(c->device[(i - COL_FIXED) / DEV_COLUMNS].name,
					dev_suffix[(i - COL_FIXED) % DEV_COLUMNS]),
			.flags = SCOLS_FL_RIGHT,
			.json_type = SCOLS_JSON_NUMBER,
			.energy = true,
		};
		if (!c->infos[i].name) {
			free_infos(c, i);
			return -ENOMEM;
		}
	}
	c->p.infos = c->infos;
	c->p.ninfos = n;
	return 0;
}

static void set_defaults(struct columns *c)
{
	size_t i, k;

	c->p.ncolumns = 0;
	for (i = 0; i < c->ndefaults; i++) {
		if (c->defaults[i] != COL_DEVICES) {
			c->p.columns[c->p.ncolumns++] = c->defaults[i];
			continue;
		}
		/* Not so many that others had no room. */
		for (k = 0; k < c->ndevices && c->p.ncolumns < PRINT_MAX_COLUMNS / 2; k++)
			if (c->device[k].seen)
				c->p.columns[c->p.ncolumns++] = COL_FIXED +
								DEV_COLUMNS * k;
	}
}

int columns_update(struct columns *c, const struct sample *s, char **unknown)
{
	bool first = !c->infos;
	int ret, any;
	size_t i;

	*unknown = NULL;
	ret = any = add_devices(c, s->machine);
	for (i = 0; ret >= 0 && i < s->ntops; i++) {
		ret = s->top[i] ? add_devices(c, s->top[i]) : 0;
		any |= ret;
	}
	if (ret >= 0 && first)
		ret = add_asked(c);
	if (ret < 0 || (!first && !any))
		return ret < 0 ? ret : 0;

	free_infos(c, c->p.ninfos);
	ret = make_infos(c);
	if (ret)
		return ret;
	set_defaults(c);
	return c->list ? print_set_columns(&c->p, c->list, unknown) : 0;
}

void columns_free(struct columns *c)
{
	size_t i;

	free_infos(c, c->p.ninfos);
	for (i = 0; i < c->ndevices; i++)
		free(c->device[i].name);
	free(c->device);
	c->device = NULL;
	c->ndevices = 0;
}

static const char *quantity(const struct print *p, uint64_t micro,
			    const char *unit, char *buf)
{
	if (p->exact)
		snprintf(buf, PRINT_NUMBER, "%" PRIu64, micro);
	else
		format_micro(micro, unit, p->raw ? "" : " ", buf);
	return buf;
}

static const char *used_cell(const struct columns *c, const struct usage *u,
			     uint64_t uj, char *buf)
{
	if (c->watts)
		return quantity(&c->p, usage_uw(uj, u->ns), "W", buf);
	return quantity(&c->p, uj, "J", buf);
}

static const char *device_cell(const struct columns *c, const struct usage *u,
			       size_t id, char *buf)
{
	const struct rcfs_device *dev;
	uint64_t uj;

	dev = rcfs_find_device(&u->used, c->device[id / DEV_COLUMNS].name);
	if (!dev)
		return NULL;
	switch (id % DEV_COLUMNS) {
	case DEV_ACCESS:
		uj = dev->access;
		break;
	case DEV_BASE:
		uj = dev->base;
		break;
	default:
		if (__builtin_add_overflow(dev->access, dev->base, &uj))
			uj = UINT64_MAX;
	}
	return used_cell(c, u, uj, buf);
}

static const char *energy_cell(const struct columns *c, const struct usages *all,
			       const struct usage *u, int id, char *buf)
{
	uint64_t share;

	/* Nothing metered is not the same as nothing used. */
	if (!u->known || !u->used.ndevs)
		return NULL;
	switch (id) {
	case COL_SECONDS:
		snprintf(buf, PRINT_NUMBER, "%" PRIu64 ".%03" PRIu64,
			 u->ns / 1000000000, u->ns / 1000000 % 1000);
		return buf;
	case COL_POWER:
		return quantity(&c->p, usage_uw(rcfs_energy_total(&u->used),
						u->ns), "W", buf);
	case COL_ENERGY:
		return quantity(&c->p, rcfs_energy_total(&u->used), "J", buf);
	case COL_ACCESS:
		return used_cell(c, u, rcfs_energy_access(&u->used), buf);
	case COL_BASE:
		return used_cell(c, u, rcfs_energy_base(&u->used), buf);
	case COL_SHARE:
		share = usage_share(all, u) / 1000;
		snprintf(buf, PRINT_NUMBER, "%" PRIu64 ".%" PRIu64, share / 10,
			 share % 10);
		return buf;
	}
	return device_cell(c, u, id - COL_FIXED, buf);
}

static const char *cell(const struct columns *c, const struct usages *all,
			const struct usage *u, int id, char *buf)
{
	const struct rcfs_energy *total;

	switch (id) {
	case COL_TOTAL:
		total = all->local ? &u->node->local : &u->node->energy;
		return total->ndevs ? quantity(&c->p, rcfs_energy_total(total),
					       "J", buf) : NULL;
	case COL_TASKS:
		if (!(u->node->have & RCFS_TASKS))
			return NULL;
		snprintf(buf, PRINT_NUMBER, "%zu", u->node->tasks);
		return buf;
	}
	return energy_cell(c, all, u, id, buf);
}

/* Right-aligned tables of the same widths, whatever is in them. */
static const char *widen(const struct columns *c, const struct colinfo *info,
			 const char *text, char *buf)
{
	int width = strlen(info->name), least = WIDTH;

	if (info->energy && c->p.exact)
		least = WIDTH_EXACT;
	snprintf(buf, PRINT_NUMBER, "%*s", width > least ? width : least,
		 text ? text : "");
	return buf;
}

static void add_usage(const struct columns *c, struct libscols_table *tb,
		      const struct usages *all, const struct usage *u,
		      bool steady)
{
	struct libscols_line *ln = print_new_line(tb, NULL);
	char buf[PRINT_NUMBER], wide[PRINT_NUMBER];
	size_t i;

	for (i = 0; i < c->p.ncolumns; i++) {
		int id = c->p.columns[i];
		const char *text;

		if (id == COL_PATH) {
			char *path = rcfs_node_path(u->node);

			print_cell(ln, i, path);
			free(path);
			continue;
		}
		text = cell(c, all, u, id, buf);
		print_cell(ln, i, steady ? widen(c, &c->p.infos[id], text, wide) :
					   text);
	}
}

struct libscols_table *columns_table(const struct columns *c,
				     const struct usages *all, size_t first,
				     size_t count, bool steady)
{
	struct libscols_table *tb = print_new_table(&c->p);
	size_t i;

	for (i = first; i < all->n && i - first < count; i++)
		add_usage(c, tb, all, &all->u[i], steady);
	return tb;
}

void columns_usage_devices(const char *what)
{
	printf(" %11s  %s of one device, such as CPU or DISK\n"
	       " %11s  of that, what it cost to use the device\n"
	       " %11s  of that, the share of what the device consumes in any case\n",
	       "<device>", what, "<device>.ACCESS", "<device>.BASE");
}
