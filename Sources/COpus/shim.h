#ifndef COPUS_SHIM_H
#define COPUS_SHIM_H

#include <opus.h>

/* opus_encoder_ctl and opus_decoder_ctl take variable arguments, which Swift cannot pass. Each returns OPUS_OK or a negative error. */

static inline int copus_set_bitrate(OpusEncoder *encoder, opus_int32 bits_per_second) {
    return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bits_per_second));
}

static inline int copus_set_vbr(OpusEncoder *encoder, opus_int32 is_on) {
    return opus_encoder_ctl(encoder, OPUS_SET_VBR(is_on));
}

static inline int copus_set_complexity(OpusEncoder *encoder, opus_int32 complexity) {
    return opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(complexity));
}

static inline int copus_set_force_channels(OpusEncoder *encoder, opus_int32 channels) {
    return opus_encoder_ctl(encoder, OPUS_SET_FORCE_CHANNELS(channels));
}

static inline int copus_get_lookahead(OpusEncoder *encoder, opus_int32 *samples) {
    return opus_encoder_ctl(encoder, OPUS_GET_LOOKAHEAD(samples));
}

static inline int copus_reset(OpusDecoder *decoder) {
    return opus_decoder_ctl(decoder, OPUS_RESET_STATE);
}

#endif
