/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief COBS framing with CRC-32, byte by byte, without a buffer for what is sent.
 *
 * PROTOCOL.md gives the layout. Portable C: no globals, no heap, no platform calls.
 */
#ifndef UTVM_FRAME_H_
#define UTVM_FRAME_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTVM_FRAME_VERSION 1

/** Bytes before the payload: version, type, sequence number, session. */
#define UTVM_FRAME_HEADER 8
/** Bytes after it: CRC-32. */
#define UTVM_FRAME_TRAILER 4

/** Bytes on the wire of a frame with a payload of @p n bytes, both delimiters included. */
#define UTVM_FRAME_ENCODED(n) (3 + UTVM_FRAME_RAW(n) + UTVM_FRAME_RAW(n) / 254)
/** Bytes of the same frame before COBS. */
#define UTVM_FRAME_RAW(n) (UTVM_FRAME_HEADER + (n) + UTVM_FRAME_TRAILER)

/** A received frame. Its payload lives in the decoder's buffer until the next byte. */
struct utvm_frame {
	uint8_t version;
	uint8_t type;
	uint16_t seq;
	uint32_t session;
	const uint8_t *payload;
	size_t length;
};

/** State of reception; see utvm_frame_decoder_init(). */
struct utvm_frame_decoder {
	uint8_t *buffer;
	size_t capacity;
	size_t length;
	/** Bytes left in the current COBS block. */
	uint8_t left;
	/** The current block is followed by a zero, unless the frame ends there. */
	bool zero;
	bool overflow;
};

/** @param buffer where frames are decoded; longer ones are dropped. */
void utvm_frame_decoder_init(struct utvm_frame_decoder *decoder, uint8_t *buffer,
			     size_t capacity);

/**
 * @brief Take one byte from the line.
 *
 * Anything that is not a frame with a valid CRC is dropped in silence: a delimiter
 * resynchronises, so no time-out is needed.
 *
 * @return true when the byte completes a frame, which is then in @p frame.
 */
bool utvm_frame_decoder_put(struct utvm_frame_decoder *decoder, uint8_t byte,
			    struct utvm_frame *frame);

/** Where encoded bytes go. */
typedef void (*utvm_frame_sink)(const uint8_t *data, size_t size);

/** A frame on its way out: begin, any number of appends, end. */
struct utvm_frame_encoder {
	utvm_frame_sink sink;
	uint32_t crc;
	/** Bytes collected in block[1..]; block[0] is their COBS code. */
	uint8_t fill;
	uint8_t block[255];
};

void utvm_frame_begin(struct utvm_frame_encoder *encoder, utvm_frame_sink sink, uint8_t type,
		      uint16_t seq, uint32_t session);
void utvm_frame_append(struct utvm_frame_encoder *encoder, const void *data, size_t size);
void utvm_frame_end(struct utvm_frame_encoder *encoder);

/** Little-endian access, whatever the CPU's byte order or alignment rules. */
uint16_t utvm_get_le16(const uint8_t *from);
uint32_t utvm_get_le32(const uint8_t *from);
void utvm_put_le16(uint8_t *to, uint16_t value);
void utvm_put_le32(uint8_t *to, uint32_t value);
void utvm_put_le64(uint8_t *to, uint64_t value);

#endif /* UTVM_FRAME_H_ */
