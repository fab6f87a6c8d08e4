/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rcontainer

#if !defined(_TRACE_RCONTAINER_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_RCONTAINER_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

#include "../../../kernel/rcontainer/internal.h"

TRACE_EVENT(rcontainer_bind,

	TP_PROTO(struct task_struct *p, struct rcontainer *from,
		 struct rcontainer *to),

	TP_ARGS(p, from, to),

	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u32, from)
		__field(u32, to)
		__string(to_name, to->name)
	),

	TP_fast_assign(
		__entry->pid = p->pid;
		__entry->from = from->id;
		__entry->to = to->id;
		__assign_str(to_name);
	),

	TP_printk("pid=%d from=%u to=%u name=%s", __entry->pid, __entry->from,
		  __entry->to, __get_str(to_name))
);

TRACE_EVENT(rcontainer_switch,

	TP_PROTO(struct rcontainer *from, struct rcontainer *to),

	TP_ARGS(from, to),

	TP_STRUCT__entry(
		__field(u32, from)
		__field(u32, to)
	),

	TP_fast_assign(
		__entry->from = from->id;
		__entry->to = to->id;
	),

	TP_printk("from=%u to=%u", __entry->from, __entry->to)
);

/* perf takes the format as it is written. */
TRACE_DEFINE_SIZEOF(u64);

TRACE_EVENT(rcontainer_charge,

	TP_PROTO(struct rcontainer *c, const u64 *counts),

	TP_ARGS(c, counts),

	TP_STRUCT__entry(
		__field(u32, id)
		__array(u64, counts, PMC_MAX_EVENTS)
	),

	TP_fast_assign(
		__entry->id = c->id;
		memcpy(__entry->counts, counts, sizeof(__entry->counts));
	),

	TP_printk("id=%u counts=%s", __entry->id,
		  __print_array(__entry->counts, PMC_MAX_EVENTS, sizeof(u64)))
);

#endif /* _TRACE_RCONTAINER_H */

#include <trace/define_trace.h>
