// SPDX-License-Identifier: GPL-2.0
/*
 * The energy meters of the physical devices behind the disk.
 *
 * They are in the model, which is asked for when somebody wants to know.  That
 * request is an ordinary one of the queue, except that nobody waits for it here:
 * a back end that is away answers when it is back.
 */
#include <linux/blkdev.h>
#include <linux/string.h>

#include "pvblk.h"

/* A meter is the same as long as its name is at the same place. */
static bool is_known(const struct pvblk_meters *m, unsigned int i,
		     const struct pvblk_device *d)
{
	return i < m->nr && !strncmp(m->name[i], d->name, PVBLK_NAME_LEN);
}

/**
 * pvblk_set_meters() - there is a new model
 * @pvblk: the disk, no request in flight
 * @model: a copy, which was checked
 *
 * A meter that was there before goes on, others begin.
 *
 * Context: any.
 */
void pvblk_set_meters(struct pvblk *pvblk, const struct pvblk_model *model)
{
	struct pvblk_meters *m = &pvblk->meters;
	unsigned int i;

	for (i = 0; i < pvblk->costs.nr; i++) {
		const struct pvblk_device *d = &model->devices[i];
		u64 base_uj = le64_to_cpu(d->base_uj);

		if (is_known(m, i, d)) {
			rcontainer_meter_show(&m->meter[i], base_uj);
			continue;
		}
		strscpy(m->name[i], d->name);
		rcontainer_meter_start(&m->meter[i], pvblk->costs.device[i], base_uj);
	}
	m->nr = pvblk->costs.nr;
}

static enum rq_end_io_ret meters_read(struct request *rq, blk_status_t status)
{
	struct pvblk *pvblk = rq->end_io_data;
	struct pvblk_meters *m = &pvblk->meters;
	unsigned int i;

	if (!status && !pvblk_check_model(m->model)) {
		/* With other devices comes a change of the configuration. */
		for (i = 0; i < le32_to_cpu(m->model->nr_devices); i++)
			if (is_known(m, i, &m->model->devices[i]))
				rcontainer_meter_show(&m->meter[i],
						      le64_to_cpu(m->model->devices[i].base_uj));
	}
	rcontainer_meters_refreshed(&m->source);
	return RQ_END_IO_FREE;
}

static bool refresh_meters(struct rcontainer_meter_source *source)
{
	struct pvblk *pvblk = container_of(source, struct pvblk, meters.source);
	struct pvblk_model *model = pvblk->meters.model;
	struct request_queue *q = pvblk->disk->queue;
	struct pvblk_request *pr;
	struct request *rq;

	rq = blk_mq_alloc_request(q, REQ_OP_DRV_IN, BLK_MQ_REQ_NOWAIT);
	if (IS_ERR(rq))
		return false;
	pr = blk_mq_rq_to_pdu(rq);
	pr->own_type = PVBLK_T_MODEL;
	memset(model, 0, sizeof(*model));
	if (blk_rq_map_kern(q, rq, model, sizeof(*model), GFP_NOIO)) {
		blk_mq_free_request(rq);
		return false;
	}
	/* If the back end is away, the disk can be removed all the same. */
	rq->timeout = HZ;
	rq->end_io = meters_read;
	rq->end_io_data = pvblk;
	blk_execute_rq_nowait(rq, false);
	return true;
}

/**
 * pvblk_begin_meters() - let the meters be read, if there are any
 * @pvblk: the disk
 *
 * Context: process context, may sleep.
 */
void pvblk_begin_meters(struct pvblk *pvblk)
{
	struct pvblk_meters *m = &pvblk->meters;

	if (!m->nr || m->source.refresh)
		return;
	m->source.refresh = refresh_meters;
	rcontainer_add_meter_source(&m->source);
}

/**
 * pvblk_end_meters() - let them not be read any more
 * @pvblk: the disk
 *
 * A request may still be under way.
 *
 * Context: process context, may sleep.
 */
void pvblk_end_meters(struct pvblk *pvblk)
{
	if (pvblk->meters.source.refresh)
		rcontainer_remove_meter_source(&pvblk->meters.source);
}
