// SPDX-License-Identifier: GPL-2.0-or-later
/* See qemuproc.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "qemuproc.h"

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool qemuproc_is_qemu(const char *exe)
{
	const char *slash = strrchr(exe, '/');

	/* A program that was replaced has " (deleted)" behind its name. */
	return starts_with(slash ? slash + 1 : exe, "qemu-system-");
}

/*
 * A list of QEMU's: commas between the items, two for one that is none.  Copies
 * an item; returns where the next one begins, NULL if there is none.
 */
static const char *next_item(const char *s, char *item, size_t size)
{
	size_t len = 0;

	for (;; s++) {
		if (*s == ',' && s[1] == ',')
			s++;
		else if (!*s || *s == ',')
			break;
		if (len < size - 1)
			item[len++] = *s;
	}
	item[len] = '\0';
	return *s ? s + 1 : NULL;
}

/* "NAME,...", "guest=NAME,...": the last one counts. */
static bool parse_name(const char *list, char name[PVENERGY_NAME_LEN])
{
	static const char key[] = "guest=";
	const char *rest = list, *value;
	/* Longer ones stay too long for a name. */
	char item[PVENERGY_NAME_LEN + sizeof(key)];
	bool found = false, first = true;

	while (rest) {
		rest = next_item(rest, item, sizeof(item));
		value = NULL;
		if (starts_with(item, key))
			value = item + strlen(key);
		else if (first && !strchr(item, '='))
			value = item;
		first = false;
		if (!value)
			continue;
		found = page_vm_name_valid(value);
		if (found)
			strcpy(name, value);
	}
	return found;
}

bool qemuproc_name(const char *cmdline, size_t len, char name[PVENERGY_NAME_LEN])
{
	bool found = false, is_name = false;

	/* Each argument ends with a NUL; one that does not was cut off. */
	for (const char *arg = cmdline, *end; len; len -= end + 1 - arg, arg = end + 1) {
		end = memchr(arg, '\0', len);
		if (!end)
			break;
		if (is_name)
			found = parse_name(arg, name);
		is_name = !is_name && (!strcmp(arg, "-name") || !strcmp(arg, "--name"));
	}
	return found;
}

bool qemuproc_is_vcpu(const char *comm)
{
	unsigned int index;
	int end = 0;

	if (!strncmp(comm, "ALL CPUs/TCG", 12))
		return true;
	return sscanf(comm, "CPU %u/%n", &index, &end) == 1 && end &&
	       (starts_with(comm + end, "KVM") || starts_with(comm + end, "TCG"));
}

uint64_t qemuproc_start(const char *stat)
{
	/* The name, in parentheses, can have anything in it. */
	const char *s = strrchr(stat, ')');
	unsigned long long start;
	char state;

	if (!s || sscanf(s + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
			 " %*s %*s %*s %*s %*s %*s %*s %llu", &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}
