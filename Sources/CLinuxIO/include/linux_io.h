/* The few Linux calls of the media plane that Swift cannot make without allocating or unpacking unions:
 * datagrams in batches, epoll, eventfd. Every function returns a count or descriptor, or -errno. */
#ifndef GUDOK_LINUX_IO_H
#define GUDOK_LINUX_IO_H

#include <stddef.h>
#include <stdint.h>

enum { LINUX_IO_BATCH = 8, LINUX_IO_DATAGRAM = 2048, LINUX_IO_READY = 256 };

/* An address and port in host order; IPv4 as an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2). */
struct linux_io_address {
    uint64_t high;
    uint64_t low;
    uint16_t port;
};

struct linux_io_datagram {
    struct linux_io_address source;
    uint32_t length;
    uint8_t *bytes;
};

/* Buffers for one batch; one a thread. */
struct linux_io_inbox;
struct linux_io_inbox *linux_io_inbox_make(void);
void linux_io_inbox_free(struct linux_io_inbox *);
struct linux_io_datagram *linux_io_inbox_datagrams(struct linux_io_inbox *);

/* A non-blocking UDP socket bound to an address, its packets marked with `tos`; one of IPv6 hears IPv6 alone. */
int linux_io_udp_open(struct linux_io_address, int is_v6, int tos);
/* A second descriptor of the same socket. */
int linux_io_copy(int fd);
int linux_io_receive(int fd, int is_v6, struct linux_io_inbox *);
int linux_io_send(int fd, int is_v6, const struct linux_io_address *, const void *bytes, size_t length);
/* The same from one of the machine's addresses, by a socket that is bound to any of them. */
int linux_io_send_from(int fd, int is_v6, const struct linux_io_address *from, const struct linux_io_address *to,
                       const void *bytes, size_t length);
void linux_io_close(int fd);
/* A non-blocking raw socket that hears by ICMP what could not be delivered, anybody's; -EPERM without CAP_NET_RAW. */
int linux_io_icmp_open(int is_v6);
/* The port that a socket is bound to; 0 when it is to none. */
uint16_t linux_io_port(int fd);

struct linux_io_ready {
    uint64_t data;
};

int linux_io_epoll_make(void);
int linux_io_epoll_add(int epoll, int fd, uint64_t data);
int linux_io_epoll_remove(int epoll, int fd);
int linux_io_epoll_wait(int epoll, struct linux_io_ready *ready, int timeout_ms);

int linux_io_bell_make(void);
void linux_io_bell_ring(int fd);
void linux_io_bell_clear(int fd);
/* Waits until it rings, by the monotonic clock, and clears it. */
int linux_io_bell_wait(int fd, int timeout_ms);

/* Descriptors at the end of what the process may have. Neither calls nor whoever connects to SIP take the first so many, nor do connections of
 * HTTP the last few: they are for files that are written, and for whoever asks what is wrong. */
enum { LINUX_IO_SPARE = 64, LINUX_IO_LAST = 16 };
/* Whether a descriptor that was just made is one of the last `spare` that may be: the kernel gives the lowest that is free. */
int linux_io_is_spare(int fd, int spare);
/* Whether the next one would be. */
int linux_io_is_short(int spare);

/* What a path leads to, be it by links; `size`: the octets of a file. */
enum { LINUX_IO_NOTHING, LINUX_IO_FILE, LINUX_IO_FOLDER, LINUX_IO_SPECIAL };
int linux_io_kind(const char *path, int64_t *size);

/* The calling thread's name, as `top` shows it. */
void linux_io_name_thread(const char *name);

/* Nanoseconds of the monotonic clock. */
int64_t linux_io_now(void);

/* Nanoseconds since 1970, by the wall clock. */
int64_t linux_io_wall_now(void);

/// Which file a path leads to, and in which state: whatever is done to it, one of these is another.
typedef struct {
    uint64_t device;
    uint64_t inode;
    int64_t size;
    /// Of the last change, which the kernel sets itself.
    int64_t seconds;
    int64_t nanoseconds;
} linux_io_file_mark;

/// 0, or minus the error number.
int32_t linux_io_mark_file(const char *path, linux_io_file_mark *mark);

#endif
