/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <string.h>

#include "port.h"

/* Payload of a READ: u8 index, u32 offset, u16 length. */
#define READ_LENGTH 7

struct request_handler {
	enum utvm_status (*handle)(struct utvm_session *session, const struct utvm_frame *request);
	uint16_t min_length;
	uint16_t max_length;
};

static void reply_u16(struct utvm_reply *reply, uint16_t value)
{
	utvm_put_le16(reply->head + reply->head_length, value);
	reply->head_length += sizeof(value);
}

static void reply_u32(struct utvm_reply *reply, uint32_t value)
{
	utvm_put_le32(reply->head + reply->head_length, value);
	reply->head_length += sizeof(value);
}

static void reply_u64(struct utvm_reply *reply, uint64_t value)
{
	utvm_put_le64(reply->head + reply->head_length, value);
	reply->head_length += sizeof(value);
}

static void send_status(uint8_t type, uint16_t seq, uint32_t id, enum utvm_status status)
{
	const uint8_t code = (uint8_t)status;
	struct utvm_frame_encoder encoder;

	utvm_frame_begin(&encoder, utvm_port_write, type, seq, id);
	utvm_frame_append(&encoder, &code, sizeof(code));
	utvm_frame_end(&encoder);
}

static void append_sizes(struct utvm_frame_encoder *encoder, const struct utvm_tensor *tensors,
			 uint8_t count)
{
	for (uint8_t i = 0; i < count; i++) {
		uint8_t size[4];

		utvm_put_le32(size, tensors[i].size);
		utvm_frame_append(encoder, size, sizeof(size));
	}
}

/* The rest of a HELLO reply: it can be long, so it is never stored. */
static void append_model(struct utvm_frame_encoder *encoder, const struct utvm_model *model)
{
	const uint8_t counts[] = { model->num_inputs, model->num_outputs };

	utvm_frame_append(encoder, counts, sizeof(counts));
	utvm_frame_append(encoder, model->digest, sizeof(model->digest));
	append_sizes(encoder, model->inputs, model->num_inputs);
	append_sizes(encoder, model->outputs, model->num_outputs);
	utvm_frame_append(encoder, model->name, strlen(model->name));
}

static void send_reply(const struct utvm_session *session)
{
	const struct utvm_reply *reply = &session->reply;
	struct utvm_frame_encoder encoder;

	utvm_frame_begin(&encoder, utvm_port_write, reply->type, session->seq, session->id);
	utvm_frame_append(&encoder, reply->head, reply->head_length);
	if (reply->type == (UTVM_HELLO | UTVM_REPLY)) {
		append_model(&encoder, session->model);
	} else if (reply->body_length > 0) {
		utvm_frame_append(&encoder, reply->body, reply->body_length);
	}
	utvm_frame_end(&encoder);
}

/* The part of a tensor that a request's u8 index, u32 offset and a length ask for. */
static enum utvm_status find_part(const struct utvm_tensor *tensors, uint8_t count,
				  const struct utvm_frame *request, size_t length, uint8_t **part)
{
	const uint8_t index = request->payload[0];
	const uint32_t offset = utvm_get_le32(request->payload + 1);

	if (index >= count) {
		return UTVM_BAD_INDEX;
	}
	if (offset > tensors[index].size || length > tensors[index].size - offset) {
		return UTVM_OUT_OF_RANGE;
	}
	*part = (uint8_t *)tensors[index].data + offset;
	return UTVM_OK;
}

static enum utvm_status handle_hello(struct utvm_session *session,
				     const struct utvm_frame *request)
{
	(void)request;
	reply_u16(&session->reply, UTVM_CHUNK);
	reply_u32(&session->reply, utvm_port_clock_hz());
	reply_u32(&session->reply, session->model->workspace_size);
	return UTVM_OK;
}

static enum utvm_status handle_write(struct utvm_session *session,
				     const struct utvm_frame *request)
{
	const size_t length = request->length - UTVM_WRITE_HEADER;
	const struct utvm_model *model = session->model;
	uint8_t *part;
	enum utvm_status status;

	status = find_part(model->inputs, model->num_inputs, request, length, &part);
	if (status == UTVM_OK && length > 0) {
		memcpy(part, request->payload + UTVM_WRITE_HEADER, length);
	}
	return status;
}

static enum utvm_status handle_run(struct utvm_session *session, const struct utvm_frame *request)
{
	struct utvm_port_moment start;
	uint64_t cycles;
	int32_t code;

	send_status(UTVM_RUN | UTVM_REPLY, request->seq, request->session, UTVM_OK);
	utvm_port_clock_start(&start);
	code = session->model->run();
	cycles = utvm_port_clock_stop(&start);

	session->reply.type = UTVM_RESULT;
	reply_u32(&session->reply, (uint32_t)code);
	reply_u64(&session->reply, cycles);
	reply_u64(&session->reply, utvm_port_nanoseconds(cycles, utvm_port_clock_hz()));
	return UTVM_OK;
}

static enum utvm_status handle_read(struct utvm_session *session, const struct utvm_frame *request)
{
	const uint16_t length = utvm_get_le16(request->payload + 5);
	const struct utvm_model *model = session->model;
	uint8_t *part;
	enum utvm_status status;

	if (length > UTVM_CHUNK) {
		return UTVM_BAD_LENGTH;
	}
	status = find_part(model->outputs, model->num_outputs, request, length, &part);
	if (status == UTVM_OK) {
		session->reply.body = part;
		session->reply.body_length = length;
	}
	return status;
}

static enum utvm_status handle_stats(struct utvm_session *session,
				     const struct utvm_frame *request)
{
	uint32_t size;
	uint32_t used;

	(void)request;
	utvm_port_stack(&size, &used);
	reply_u32(&session->reply, size);
	reply_u32(&session->reply, used);
	return UTVM_OK;
}

static const struct request_handler handlers[] = {
	[UTVM_HELLO] = { handle_hello, 0, 0 },
	[UTVM_WRITE] = { handle_write, UTVM_WRITE_HEADER, UTVM_WRITE_HEADER + UTVM_CHUNK },
	[UTVM_RUN] = { handle_run, 0, 0 },
	[UTVM_READ] = { handle_read, READ_LENGTH, READ_LENGTH },
	[UTVM_STATS] = { handle_stats, 0, 0 },
};

#define NUM_TYPES (sizeof(handlers) / sizeof(handlers[0]))

/* What can be said against a request before its payload is looked at. */
static enum utvm_status check(const struct utvm_session *session, const struct utvm_frame *request)
{
	const struct request_handler *handler;

	if (request->version != UTVM_FRAME_VERSION) {
		return UTVM_BAD_VERSION;
	}
	if (request->type >= NUM_TYPES || handlers[request->type].handle == NULL) {
		return UTVM_UNKNOWN_TYPE;
	}
	handler = &handlers[request->type];
	if (request->length < handler->min_length || request->length > handler->max_length) {
		return UTVM_BAD_LENGTH;
	}
	if (request->session == 0) {
		return UTVM_NO_SESSION;
	}
	if (request->session != session->id && request->type != UTVM_HELLO) {
		return UTVM_NO_SESSION;
	}
	return UTVM_OK;
}

static void execute(struct utvm_session *session, const struct utvm_frame *request)
{
	struct utvm_reply *reply = &session->reply;
	enum utvm_status status;

	session->id = request->session;
	session->seq = request->seq;
	reply->type = request->type | UTVM_REPLY;
	reply->head_length = 1;
	reply->body_length = 0;
	status = handlers[request->type].handle(session, request);
	reply->head[0] = (uint8_t)status;
	send_reply(session);
}

static void handle_request(struct utvm_session *session, const struct utvm_frame *request)
{
	const enum utvm_status status = check(session, request);

	if (status != UTVM_OK) {
		send_status(request->type | UTVM_REPLY, request->seq, request->session, status);
	} else if (request->session == session->id && request->seq == session->seq) {
		/* The host repeats itself: it missed the reply. Nothing is done twice. */
		send_reply(session);
	} else {
		execute(session, request);
	}
}

static void announce(void)
{
	struct utvm_frame_encoder encoder;

	utvm_frame_begin(&encoder, utvm_port_write, UTVM_BOOT, 0, 0);
	utvm_frame_end(&encoder);
}

void utvm_session_serve(struct utvm_session *session, const struct utvm_model *model)
{
	unsigned int announcements = CONFIG_UTVM_RUNNER_BOOT_FRAMES;
	struct utvm_frame request;
	uint8_t received[64];
	int count = 0;

	memset(session, 0, sizeof(*session));
	session->model = model;
	utvm_frame_decoder_init(&session->decoder, session->buffer, sizeof(session->buffer));
	do {
		if (count == 0 && announcements > 0) {
			announce();
			announcements--;
		}
		for (int i = 0; i < count; i++) {
			if (utvm_frame_decoder_put(&session->decoder, received[i], &request)) {
				announcements = 0;
				handle_request(session, &request);
			}
		}
		count = utvm_port_read(received, sizeof(received),
				       announcements > 0 ? CONFIG_UTVM_RUNNER_BOOT_INTERVAL_MS
							 : UTVM_PORT_FOREVER);
	} while (count >= 0);
}
