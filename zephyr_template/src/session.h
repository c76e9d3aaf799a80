/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief The device's side of the protocol in PROTOCOL.md, over one model.
 */
#ifndef UTVM_SESSION_H_
#define UTVM_SESSION_H_

#include <utvm/model.h>

#include "frame.h"

/** Most tensor bytes in one WRITE or READ. */
#define UTVM_CHUNK CONFIG_UTVM_RUNNER_CHUNK_SIZE

/** Payload of a WRITE before its data: u8 index, u32 offset. */
#define UTVM_WRITE_HEADER 5

/** Bytes on the wire of the longest request: what the port must be able to queue. */
#define UTVM_REQUEST_MAX UTVM_FRAME_ENCODED(UTVM_WRITE_HEADER + UTVM_CHUNK)

/** Frame types. A reply has its request's type with bit 7 set. */
enum utvm_type {
	UTVM_HELLO = 0x01,
	UTVM_WRITE = 0x02,
	UTVM_RUN = 0x03,
	UTVM_READ = 0x04,
	UTVM_STATS = 0x05,
	UTVM_REPLY = 0x80,
	UTVM_RESULT = 0xC3,
	UTVM_BOOT = 0xC0,
};

/** First payload byte of every reply. */
enum utvm_status {
	UTVM_OK = 0,
	UTVM_BAD_VERSION = 1,
	UTVM_UNKNOWN_TYPE = 2,
	UTVM_BAD_LENGTH = 3,
	UTVM_NO_SESSION = 4,
	UTVM_BAD_INDEX = 5,
	UTVM_OUT_OF_RANGE = 6,
};

/** The last reply, kept to be sent again when the host repeats its request. */
struct utvm_reply {
	uint8_t type;
	uint8_t head_length;
	uint8_t head[24];
	/** What follows the head: a part of an output, or NULL. */
	const uint8_t *body;
	uint16_t body_length;
};

struct utvm_session {
	const struct utvm_model *model;
	/** The host's number for this session, 0 before the first HELLO. */
	uint32_t id;
	/** Sequence number of the last request carried out in this session. */
	uint16_t seq;
	struct utvm_reply reply;
	struct utvm_frame_decoder decoder;
	uint8_t buffer[UTVM_FRAME_RAW(UTVM_WRITE_HEADER + UTVM_CHUNK)];
};

/** Serve @p model until the port says that the other end is gone. */
void utvm_session_serve(struct utvm_session *session, const struct utvm_model *model);

#endif /* UTVM_SESSION_H_ */
