/* rload: an HTTP/1.1 load client that costs almost nothing.
 *
 * One thread, epoll, keep-alive. Bodies are discarded inside the kernel (MSG_TRUNC), so that what is
 * measured is the server. Prints one line of JSON.
 *
 *   rload -p PORT -u PATH [-H "Name: value"]... -c CONNECTIONS -n REQUESTS
 *         [-L LENGTH -S SIZE [-O FIRST]]   random ranges of LENGTH bytes within [FIRST, SIZE)
 *   rload -p PORT -u PATH -c CONNECTIONS -t SECONDS -r RATE [-b RCVBUF]
 *         each connection reads RATE bytes/s of one long answer (a paced viewer)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 16384
#define READ_MAX (1 << 30)
#define TICK_S 0.1

enum state { IDLE, HEAD, BODY };

struct conn {
    int fd;
    enum state state;
    int head_length, close_after;
    long long left, got;
    double asked_at, first_at, quota;
    char head[HEAD_MAX];
};

static const char *path = "/";
static char extra_headers[4096] = "";
static int port = 80, connections = 1, receive_buffer = 0, epoll_fd;
static long long requests = 0, size = 0, length = 0, first = 0;
static double seconds = 0, rate = 0;

static long long bytes = 0, done = 0, begun = 0, errors = 0, refused = 0;
static double *whole_ms, *first_ms;
static long samples = 0, room = 0;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static unsigned long long dice(void) {
    static unsigned long long seed = 42;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void note(double whole, double to_first) {
    if (samples == room) {
        room = room ? room * 2 : 65536;
        whole_ms = realloc(whole_ms, room * sizeof *whole_ms);
        first_ms = realloc(first_ms, room * sizeof *first_ms);
    }
    whole_ms[samples] = whole * 1e3;
    first_ms[samples++] = to_first * 1e3;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double share(double *sorted, double at) { return samples ? sorted[(long)((samples - 1) * at)] : 0; }

static void open_conn(struct conn *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    for (int tries = 0; connect(c->fd, (void *)&address, sizeof address); tries++) {
        if (tries == 50) {
            perror("connect");
            exit(1);
        }
        usleep(20000);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

static void send_request(struct conn *c) {
    char text[8192], range[96] = "";
    if (length) {
        long long start = first + (long long)(dice() % (unsigned long long)(size - first - length + 1));
        snprintf(range, sizeof range, "Range: bytes=%lld-%lld\r\n", start, start + length - 1);
    }
    int count = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n", path, range,
                         extra_headers);
    c->state = HEAD;
    c->head_length = c->close_after = 0;
    c->left = -1;
    c->got = 0;
    c->first_at = 0;
    c->asked_at = now();
    begun++;
    if (write(c->fd, text, count) != count) errors++;
}

static void close_conn(struct conn *c) {
    close(c->fd);
    c->fd = -1;
    c->state = IDLE;
}

static void finish(struct conn *c, int complete) {
    double at = now();
    if (complete) {
        done++;
        note(at - c->asked_at, c->first_at - c->asked_at);
    } else {
        errors++;
    }
    if (!complete || c->close_after) close_conn(c);
    c->state = IDLE;
    if (begun < requests) {
        if (c->fd < 0) open_conn(c);
        send_request(c);
    } else if (c->fd >= 0) {
        close_conn(c);
    }
}

/* Returns 0 while the head is incomplete, -1 where the connection ended. */
static int read_head(struct conn *c) {
    int count = recv(c->fd, c->head + c->head_length, HEAD_MAX - 1 - c->head_length, 0);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count <= 0) return -1;
    if (!c->first_at) c->first_at = now();
    c->head_length += count;
    c->head[c->head_length] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) return c->head_length < HEAD_MAX - 1 ? 0 : -1;
    long long body = c->head_length - (end + 4 - c->head);
    *end = 0;
    int status = atoi(c->head + 9);
    if ((status < 200 || status >= 300) && status != 307) refused++; /* 307: not followed */
    char *field = strcasestr(c->head, "\r\ncontent-length:");
    if (!field) return -1;
    c->left = atoll(field + 17) - body;
    c->close_after = strcasestr(c->head, "\r\nconnection: close") != NULL;
    c->got = body;
    bytes += body;
    c->state = BODY;
    return 1;
}

static char rest[1 << 20];

static void receive(struct conn *c) {
    while (c->state != IDLE) {
        if (c->state == HEAD) {
            int got = read_head(c);
            if (got == 0) return;
            if (got < 0) {
                finish(c, 0);
                return;
            }
        }
        if (c->left == 0) {
            finish(c, 1);
            return;
        }
        long long wanted = c->left < READ_MAX ? c->left : READ_MAX;
        if (rate > 0) {
            if (c->quota < 1) return;
            if (wanted > c->quota) wanted = c->quota;
            if (wanted > (long long)sizeof rest) wanted = sizeof rest;
        }
        ssize_t count = recv(c->fd, rest, wanted, MSG_TRUNC);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) {
            finish(c, 0);
            return;
        }
        bytes += count;
        c->got += count;
        c->left -= count;
        c->quota -= count;
    }
}

static void run_load(struct conn *conns) {
    struct epoll_event events[512];
    double started = now();
    for (;;) {
        int live = 0;
        for (int i = 0; i < connections; i++) live += conns[i].state != IDLE;
        if (!live) break;
        int count = epoll_wait(epoll_fd, events, 512, 5000);
        if (!count) break;
        for (int i = 0; i < count; i++) receive(events[i].data.ptr);
    }
    double spent = now() - started;
    qsort(whole_ms, samples, sizeof *whole_ms, ascending);
    qsort(first_ms, samples, sizeof *first_ms, ascending);
    printf("{\"done\": %lld, \"errors\": %lld, \"refused\": %lld, \"seconds\": %.4f, \"bytes\": %lld, "
           "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"first_p50_ms\": %.3f, \"first_p99_ms\": %.3f}\n",
           done, errors, refused, spent, bytes, share(whole_ms, .5), share(whole_ms, .99), share(first_ms, .5),
           share(first_ms, .99));
}

static void run_paced(struct conn *conns) {
    double started = now(), last = started;
    while (now() - started < seconds) {
        double at = now();
        for (int i = 0; i < connections; i++) {
            struct conn *c = &conns[i];
            if (c->fd < 0) continue;
            c->quota += rate * (at - last);
            if (c->quota > rate) c->quota = rate;
            receive(c);
        }
        last = at;
        double pause = TICK_S - (now() - at);
        if (pause > 0) usleep(pause * 1e6);
    }
    double spent = now() - started;
    int starved = 0, alive = 0;
    for (int i = 0; i < connections; i++) {
        alive += conns[i].fd >= 0 && conns[i].state == BODY;
        starved += conns[i].got / spent < 0.9 * rate;
    }
    printf("{\"alive\": %d, \"starved\": %d, \"seconds\": %.3f, \"bytes\": %lld, \"refused\": %lld}\n", alive,
           starved, spent, bytes, refused);
}

int main(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "p:u:c:n:t:S:L:O:H:r:b:")) != -1) {
        switch (option) {
        case 'p': port = atoi(optarg); break;
        case 'u': path = optarg; break;
        case 'c': connections = atoi(optarg); break;
        case 'n': requests = atoll(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'S': size = atoll(optarg); break;
        case 'L': length = atoll(optarg); break;
        case 'O': first = atoll(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'b': receive_buffer = atoi(optarg); break;
        case 'H':
            strncat(extra_headers, optarg, sizeof extra_headers - strlen(extra_headers) - 3);
            strcat(extra_headers, "\r\n");
            break;
        default: return 2;
        }
    }
    struct rlimit files = {20000, 20000};
    setrlimit(RLIMIT_NOFILE, &files);
    epoll_fd = epoll_create1(0);
    if (requests && connections > requests) connections = requests;
    struct conn *conns = calloc(connections, sizeof *conns);
    for (int i = 0; i < connections; i++) {
        open_conn(&conns[i]);
        send_request(&conns[i]);
    }
    rate > 0 ? run_paced(conns) : run_load(conns);
    return 0;
}
