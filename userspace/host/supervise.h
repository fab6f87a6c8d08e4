/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RCONTAINER_SUPERVISE_H
#define RCONTAINER_SUPERVISE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct outcome - how QEMU ended
 * @wait_status: its status, as from waitpid()
 * @started: the virtual machine was set up and its main loop was running
 * @reset: the guest reset itself
 * @timed_out: it was ended because its time was over
 * @signal: it was ended because the launcher got this signal, else 0
 */
struct outcome {
	int wait_status;
	bool started;
	bool reset;
	bool timed_out;
	int signal;
};

/**
 * supervise_begin() - hold back the signals that end the launcher
 * @mask: set to the signal mask before
 *
 * From here on, what is created is also cleaned up.
 */
void supervise_begin(sigset_t *mask);

/**
 * supervise() - run QEMU to its end
 * @argv: its command line
 * @qmp_fd: our end of its control connection
 * @child_fds: -1-terminated, the descriptors that it inherits
 * @timeout_ms: end it after so many milliseconds; 0 for never
 * @keep_stdin: it reads our standard input
 * @mask: its signal mask
 *
 * If the launcher dies, however that happens, QEMU is killed.
 */
struct outcome supervise(char **argv, int qmp_fd, const int *child_fds,
			 uint64_t timeout_ms, bool keep_stdin,
			 const sigset_t *mask);

#endif /* RCONTAINER_SUPERVISE_H */
