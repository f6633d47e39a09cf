#define _GNU_SOURCE
#include "linux_io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct linux_io_inbox {
    struct mmsghdr headers[LINUX_IO_BATCH];
    struct iovec vectors[LINUX_IO_BATCH];
    union socket_address sources[LINUX_IO_BATCH];
    struct linux_io_datagram datagrams[LINUX_IO_BATCH];
    uint8_t bytes[LINUX_IO_BATCH][LINUX_IO_DATAGRAM];
};

static uint64_t load64(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return be64toh(value);
}

static void store64(uint8_t *bytes, uint64_t value) {
    value = htobe64(value);
    memcpy(bytes, &value, sizeof value);
}

static socklen_t put(const struct linux_io_address *from, int is_v6, union socket_address *to) {
    if (!is_v6) {
        to->v4.sin_family = AF_INET;
        to->v4.sin_port = htons(from->port);
        to->v4.sin_addr.s_addr = htonl((uint32_t)from->low);
        memset(to->v4.sin_zero, 0, sizeof to->v4.sin_zero);
        return sizeof to->v4;
    }
    memset(&to->v6, 0, sizeof to->v6);
    to->v6.sin6_family = AF_INET6;
    to->v6.sin6_port = htons(from->port);
    store64(to->v6.sin6_addr.s6_addr, from->high);
    store64(to->v6.sin6_addr.s6_addr + 8, from->low);
    return sizeof to->v6;
}

struct linux_io_inbox *linux_io_inbox_make(void) {
    struct linux_io_inbox *inbox = calloc(1, sizeof *inbox);
    if (!inbox) return NULL;
    for (int i = 0; i < LINUX_IO_BATCH; i++) {
        inbox->vectors[i].iov_base = inbox->bytes[i];
        inbox->vectors[i].iov_len = LINUX_IO_DATAGRAM;
        inbox->headers[i].msg_hdr.msg_name = &inbox->sources[i];
        inbox->headers[i].msg_hdr.msg_iov = &inbox->vectors[i];
        inbox->headers[i].msg_hdr.msg_iovlen = 1;
        inbox->datagrams[i].bytes = inbox->bytes[i];
    }
    return inbox;
}

void linux_io_inbox_free(struct linux_io_inbox *inbox) { free(inbox); }

struct linux_io_datagram *linux_io_inbox_datagrams(struct linux_io_inbox *inbox) { return inbox->datagrams; }

int linux_io_udp_open(struct linux_io_address address, int is_v6, int tos) {
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int buffer = 256 << 10;
    if (is_v6) {
        int yes = 1;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
        setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
    } else {
        setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    union socket_address place;
    socklen_t length = put(&address, is_v6, &place);
    if (bind(fd, &place.any, length) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int linux_io_receive(int fd, int is_v6, struct linux_io_inbox *inbox) {
    for (int i = 0; i < LINUX_IO_BATCH; i++) inbox->headers[i].msg_hdr.msg_namelen = sizeof inbox->sources[i];
    int count = recvmmsg(fd, inbox->headers, LINUX_IO_BATCH, MSG_DONTWAIT, NULL);
    if (count < 0) return -errno;
    for (int i = 0; i < count; i++) {
        struct linux_io_datagram *datagram = &inbox->datagrams[i];
        const union socket_address *from = &inbox->sources[i];
        datagram->length = inbox->headers[i].msg_len;
        /* Longer than any RTP packet there is: told as empty, and dropped as malformed. */
        if (inbox->headers[i].msg_hdr.msg_flags & MSG_TRUNC) datagram->length = 0;
        if (is_v6) {
            datagram->source.high = load64(from->v6.sin6_addr.s6_addr);
            datagram->source.low = load64(from->v6.sin6_addr.s6_addr + 8);
            datagram->source.port = ntohs(from->v6.sin6_port);
        } else {
            datagram->source.high = 0;
            datagram->source.low = 0xFFFF00000000u | ntohl(from->v4.sin_addr.s_addr);
            datagram->source.port = ntohs(from->v4.sin_port);
        }
    }
    return count;
}

int linux_io_send(int fd, int is_v6, const struct linux_io_address *to, const void *bytes, size_t length) {
    union socket_address place;
    socklen_t size = put(to, is_v6, &place);
    return sendto(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, &place.any, size) < 0 ? -errno : 0;
}

int linux_io_send_from(int fd, int is_v6, const struct linux_io_address *from, const struct linux_io_address *to,
                       const void *bytes, size_t length) {
    union socket_address place, source;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {
        .msg_name = &place,
        .msg_namelen = put(to, is_v6, &place),
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = &control,
    };
    put(from, is_v6, &source);
    struct cmsghdr *header = &control.align;
    if (is_v6) {
        struct in6_pktinfo info = {.ipi6_addr = source.v6.sin6_addr};
        header->cmsg_level = IPPROTO_IPV6;
        header->cmsg_type = IPV6_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof info);
        message.msg_controllen = CMSG_SPACE(sizeof info);
        memcpy(CMSG_DATA(header), &info, sizeof info);
    } else {
        struct in_pktinfo info = {.ipi_spec_dst = source.v4.sin_addr};
        header->cmsg_level = IPPROTO_IP;
        header->cmsg_type = IP_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof info);
        message.msg_controllen = CMSG_SPACE(sizeof info);
        memcpy(CMSG_DATA(header), &info, sizeof info);
    }
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int linux_io_icmp_open(int is_v6) {
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    if (fd < 0) return -errno;
    int status;
    if (is_v6) {
        struct icmp6_filter filter;
        ICMP6_FILTER_SETBLOCKALL(&filter);
        ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &filter);
        ICMP6_FILTER_SETPASS(ICMP6_PARAM_PROB, &filter);
        status = setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
    } else {
        uint32_t blocked = ~(1u << ICMP_DEST_UNREACH | 1u << ICMP_PARAMETERPROB);
        status = setsockopt(fd, SOL_RAW, ICMP_FILTER, &blocked, sizeof blocked);
    }
    if (status == 0) return fd;
    int error = errno;
    close(fd);
    return -error;
}

void linux_io_close(int fd) { close(fd); }

int linux_io_copy(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? -errno : copy;
}

int linux_io_is_spare(int fd, int spare) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
    return (rlim_t)fd + (rlim_t)spare >= limit.rlim_cur;
}

int linux_io_is_short(int spare) {
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0) return errno == EMFILE || errno == ENFILE;
    int is_spare = linux_io_is_spare(fd, spare);
    close(fd);
    return is_spare;
}

int linux_io_kind(const char *path, int64_t *size) {
    struct stat status;
    *size = 0;
    if (stat(path, &status) < 0) return LINUX_IO_NOTHING;
    if (S_ISDIR(status.st_mode)) return LINUX_IO_FOLDER;
    if (!S_ISREG(status.st_mode)) return LINUX_IO_SPECIAL;
    *size = status.st_size;
    return LINUX_IO_FILE;
}

uint16_t linux_io_port(int fd) {
    union socket_address place;
    socklen_t length = sizeof place;
    if (getsockname(fd, &place.any, &length) < 0) return 0;
    return ntohs(place.any.sa_family == AF_INET6 ? place.v6.sin6_port : place.v4.sin_port);
}

int linux_io_epoll_make(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int linux_io_epoll_add(int epoll, int fd, uint64_t data) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = data};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int linux_io_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0; }

int linux_io_epoll_wait(int epoll, struct linux_io_ready *ready, int timeout_ms) {
    struct epoll_event events[LINUX_IO_READY];
    int count = epoll_wait(epoll, events, LINUX_IO_READY, timeout_ms);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) ready[i].data = events[i].data.u64;
    return count;
}

int linux_io_bell_make(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void linux_io_bell_ring(int fd) {
    uint64_t one = 1;
    if (write(fd, &one, sizeof one) < 0) return; /* Full means that it rings already. */
}

void linux_io_bell_clear(int fd) {
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0) return;
}

int linux_io_bell_wait(int fd, int timeout_ms) {
    struct pollfd bell = {.fd = fd, .events = POLLIN};
    int64_t end = linux_io_now() + (int64_t)timeout_ms * 1000000;
    int ready;
    /* A signal is no ring, and no end of the wait. */
    while ((ready = poll(&bell, 1, timeout_ms)) < 0 && errno == EINTR) {
        int64_t left = (end - linux_io_now() + 999999) / 1000000;
        timeout_ms = left > 0 ? (int)left : 0;
    }
    if (ready <= 0) return 0;
    linux_io_bell_clear(fd);
    return 1;
}

void linux_io_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t linux_io_now(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t linux_io_wall_now(void) { return read_clock(CLOCK_REALTIME); }

int32_t linux_io_mark_file(const char *path, linux_io_file_mark *mark) {
    struct stat status;
    if (stat(path, &status) != 0) return -errno;
    mark->device = (uint64_t)status.st_dev;
    mark->inode = (uint64_t)status.st_ino;
    mark->size = (int64_t)status.st_size;
    mark->seconds = (int64_t)status.st_ctim.tv_sec;
    mark->nanoseconds = (int64_t)status.st_ctim.tv_nsec;
    return 0;
}
