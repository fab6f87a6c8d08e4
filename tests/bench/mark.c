// SPDX-License-Identifier: GPL-2.0-or-later
/* mark begin|end: tells the plugin that counts by function; see mark.h. */
#include <stdlib.h>

#include "mark.h"

int main(int argc, char **argv)
{
	if (argc == 2 && argv[1][0] == 'b')
		MARK(MARK_BEGIN);
	else
		MARK(MARK_END);
	return EXIT_SUCCESS;
}
