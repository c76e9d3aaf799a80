/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include "port.h"

uint16_t utvm_get_le16(const uint8_t *from)
{
	return (uint16_t)(from[0] | (from[1] << 8));
}

uint32_t utvm_get_le32(const uint8_t *from)
{
	return utvm_get_le16(from) | ((uint32_t)utvm_get_le16(from + 2) << 16);
}

void utvm_put_le16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
}

void utvm_put_le32(uint8_t *to, uint32_t value)
{
	utvm_put_le16(to, (uint16_t)value);
	utvm_put_le16(to + 2, (uint16_t)(value >> 16));
}

void utvm_put_le64(uint8_t *to, uint64_t value)
{
	utvm_put_le32(to, (uint32_t)value);
	utvm_put_le32(to + 4, (uint32_t)(value >> 32));
}

static void decoder_restart(struct utvm_frame_decoder *decoder)
{
	decoder->length = 0;
	decoder->left = 0;
	decoder->zero = false;
	decoder->overflow = false;
}

void utvm_frame_decoder_init(struct utvm_frame_decoder *decoder, uint8_t *buffer,
			     size_t capacity)
{
	decoder->buffer = buffer;
	decoder->capacity = capacity;
	decoder_restart(decoder);
}

static void decoder_store(struct utvm_frame_decoder *decoder, uint8_t byte)
{
	if (decoder->length == decoder->capacity) {
		decoder->overflow = true;
		return;
	}
	decoder->buffer[decoder->length++] = byte;
}

/* A delimiter came: is what was collected a whole frame with the right CRC? */
static bool decoder_finish(const struct utvm_frame_decoder *decoder, struct utvm_frame *frame)
{
	const uint8_t *raw = decoder->buffer;
	size_t body;

	if (decoder->left != 0 || decoder->overflow || decoder->length < UTVM_FRAME_RAW(0)) {
		return false;
	}
	body = decoder->length - UTVM_FRAME_TRAILER;
	if (utvm_port_crc32(0, raw, body) != utvm_get_le32(raw + body)) {
		return false;
	}
	frame->version = raw[0];
	frame->type = raw[1];
	frame->seq = utvm_get_le16(raw + 2);
	frame->session = utvm_get_le32(raw + 4);
	frame->payload = raw + UTVM_FRAME_HEADER;
	frame->length = body - UTVM_FRAME_HEADER;
	return true;
}

bool utvm_frame_decoder_put(struct utvm_frame_decoder *decoder, uint8_t byte,
			    struct utvm_frame *frame)
{
	if (byte == 0) {
		const bool complete = decoder_finish(decoder, frame);

		decoder_restart(decoder);
		return complete;
	}
	if (decoder->left > 0) {
		decoder_store(decoder, byte);
		decoder->left--;
		return false;
	}
	/* The first byte of a block tells its length, and thereby where the next zero is. */
	if (decoder->zero) {
		decoder_store(decoder, 0);
	}
	decoder->left = byte - 1;
	decoder->zero = byte != 0xFF;
	return false;
}

static void encoder_flush(struct utvm_frame_encoder *encoder)
{
	encoder->block[0] = encoder->fill + 1;
	encoder->sink(encoder->block, encoder->block[0]);
	encoder->fill = 0;
}

static void encoder_put(struct utvm_frame_encoder *encoder, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		/* Flushed late, so that a frame that ends with a full block has no empty one. */
		if (encoder->fill == sizeof(encoder->block) - 1) {
			encoder_flush(encoder);
		}
		if (data[i] == 0) {
			encoder_flush(encoder);
		} else {
			encoder->block[1 + encoder->fill++] = data[i];
		}
	}
}

static void encoder_delimit(const struct utvm_frame_encoder *encoder)
{
	static const uint8_t delimiter;

	encoder->sink(&delimiter, sizeof(delimiter));
}

void utvm_frame_begin(struct utvm_frame_encoder *encoder, utvm_frame_sink sink, uint8_t type,
		      uint16_t seq, uint32_t session)
{
	uint8_t header[UTVM_FRAME_HEADER] = { UTVM_FRAME_VERSION, type };

	utvm_put_le16(header + 2, seq);
	utvm_put_le32(header + 4, session);
	encoder->sink = sink;
	encoder->crc = 0;
	encoder->fill = 0;
	encoder_delimit(encoder);
	utvm_frame_append(encoder, header, sizeof(header));
}

void utvm_frame_append(struct utvm_frame_encoder *encoder, const void *data, size_t size)
{
	encoder->crc = utvm_port_crc32(encoder->crc, data, size);
	encoder_put(encoder, data, size);
}

void utvm_frame_end(struct utvm_frame_encoder *encoder)
{
	uint8_t trailer[UTVM_FRAME_TRAILER];

	utvm_put_le32(trailer, encoder->crc);
	encoder_put(encoder, trailer, sizeof(trailer));
	encoder_flush(encoder);
	encoder_delimit(encoder);
}
