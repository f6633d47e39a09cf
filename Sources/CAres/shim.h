#ifndef CARES_SHIM_H
#define CARES_SHIM_H

#include <ares.h>

/* The least time to live of an answer's records, in seconds; -1 where it has none or cannot be read (RFC 1035, sections 4.1.1 to
   4.1.3). The parsers of c-ares 1.18 leave it out of SRV and NAPTR records. */
static inline long cares_least_ttl(const unsigned char *answer, int length)
{
    const unsigned char *at = answer + 12, *end = answer + length;
    long least = -1, step;
    char *name;
    unsigned questions, records;

    if (length < 12) return -1;
    questions = (unsigned) answer[4] << 8 | answer[5];
    records = (unsigned) answer[6] << 8 | answer[7];
    while (questions-- > 0) {
        if (ares_expand_name(at, answer, length, &name, &step) != ARES_SUCCESS) return -1;
        ares_free_string(name);
        if (end - at < step + 4) return -1;
        at += step + 4;
    }
    while (records-- > 0) {
        unsigned long ttl;
        unsigned data;

        if (ares_expand_name(at, answer, length, &name, &step) != ARES_SUCCESS) return -1;
        ares_free_string(name);
        if (end - at < step + 10) return -1;
        at += step;
        ttl = (unsigned long) at[4] << 24 | (unsigned long) at[5] << 16 | (unsigned long) at[6] << 8 | at[7];
        data = (unsigned) at[8] << 8 | at[9];
        /* A time to live with its first bit set is none (RFC 2181, section 8). */
        if (ttl > 0x7fffffff) ttl = 0;
        if (least < 0 || (long) ttl < least) least = (long) ttl;
        at += 10;
        if (end - at < (long) data) return -1;
        at += data;
    }
    return least;
}

#endif
