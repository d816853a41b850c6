/*
 * The yardstick: the least that a UDP server can do for a DNS query. It receives up to 64 queries with one recvmmsg, turns
 * each into a one-A-record answer in place and sends them with one sendmmsg. No cache, no look-up, no check beyond what
 * keeps it inside its buffers: what it costs is the kernel's price of a packet in and a packet out.
 *
 *   query  | header | question | (OPT)            |
 *   answer | header | question | A record | (OPT) |   as many octets as a real answer with one address
 *
 * `--poll` waits in poll and receives with MSG_DONTWAIT; otherwise it waits in recvmmsg itself (MSG_WAITFORONE).
 * `--threads=N` serves with N threads, each with a socket of its own (SO_REUSEPORT) and all else of its own.
 * It prints its port, and exits on SIGTERM or when stdin closes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, BUFFER_OCTETS = 2048, HEADER_OCTETS = 12, SOCKET_BUFFER_OCTETS = 8 << 20, THREADS_MAX = 64 };

/* A pointer to the QNAME (RFC 1035 section 4.1.4), type A, class IN, TTL 30, 192.0.2.1. */
static const unsigned char answer_a[16] = {0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 192, 0, 2, 1};
/* OPT without options, UDP size 1232 (RFC 6891 section 6.1.2). */
static const unsigned char opt[11] = {0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* The answer's size, or 0 for what is no query with one question. */
static unsigned answer(unsigned char *message, unsigned size) {
  if (size < HEADER_OCTETS + 5 || size > BUFFER_OCTETS - sizeof answer_a - sizeof opt) return 0;
  if ((message[2] & 0x80) || message[4] != 0 || message[5] != 1) return 0;
  unsigned at = HEADER_OCTETS;
  while (at < size && message[at] != 0) {
    if (message[at] > 63) return 0;
    at += 1 + message[at];
  }
  at += 5;
  if (at > size) return 0;
  int has_opt = message[11] != 0;
  message[2] = 0x80 | (message[2] & 0x01);
  message[3] = 0x80;
  message[7] = 1;
  memset(message + 8, 0, 4);
  memcpy(message + at, answer_a, sizeof answer_a);
  at += sizeof answer_a;
  if (has_opt) {
    message[11] = 1;
    memcpy(message + at, opt, sizeof opt);
    at += sizeof opt;
  }
  return at;
}

static void *exit_with_stdin(void *unused) {
  char octet;
  while (read(0, &octet, 1) > 0) continue;
  _exit(0);
  return unused;
}

/* `port`: 0 takes a free one and tells it. */
static int open_socket(int *port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(*port)};
  socklen_t size = sizeof address;
  int buffer = SOCKET_BUFFER_OCTETS, shared = 1;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof shared) < 0) die("SO_REUSEPORT");
  if (bind(fd, (struct sockaddr *)&address, size) < 0) die("bind");
  if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) die("getsockname");
  *port = ntohs(address.sin_port);
  return fd;
}

static _Thread_local unsigned char buffers[BATCH][BUFFER_OCTETS];
static _Thread_local struct sockaddr_in peers[BATCH];
static _Thread_local struct iovec in_vectors[BATCH], out_vectors[BATCH];
static _Thread_local struct mmsghdr in[BATCH], out[BATCH];

static void lay_out(void) {
  for (int i = 0; i < BATCH; i++) {
    in_vectors[i] = (struct iovec){.iov_base = buffers[i], .iov_len = BUFFER_OCTETS};
    in[i].msg_hdr = (struct msghdr){
        .msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &in_vectors[i], .msg_iovlen = 1};
    out[i].msg_hdr = (struct msghdr){
        .msg_namelen = sizeof peers[i], .msg_iov = &out_vectors[i], .msg_iovlen = 1};
  }
}

static void serve(int fd, int polls) {
  struct pollfd waiting = {.fd = fd, .events = POLLIN};
  for (;;) {
    if (polls && poll(&waiting, 1, -1) < 0 && errno != EINTR) die("poll");
    int received = recvmmsg(fd, in, BATCH, polls ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
    if (received < 0) {
      if (errno == EINTR || errno == EAGAIN || errno == ECONNREFUSED) continue;
      die("recvmmsg");
    }
    int answers = 0;
    for (int i = 0; i < received; i++) {
      unsigned size = answer(buffers[i], in[i].msg_len);
      if (size == 0) continue;
      out_vectors[answers].iov_base = buffers[i];
      out_vectors[answers].iov_len = size;
      out[answers].msg_hdr.msg_name = &peers[i];
      answers++;
    }
    for (int sent = 0; sent < answers;) {
      int count = sendmmsg(fd, out + sent, answers - sent, 0);
      sent += count > 0 ? count : 1; /* the first one failed: its client has gone */
    }
  }
}

static int polls;
static int sockets[THREADS_MAX];

static void *serve_one(void *fd) {
  lay_out();
  serve(*(int *)fd, polls);
  return fd;
}

int main(int count, char **arguments) {
  int threads = 1, port = 0;
  for (int i = 1; i < count; i++) {
    if (strcmp(arguments[i], "--poll") == 0) polls = 1;
    if (strncmp(arguments[i], "--threads=", 10) == 0) threads = atoi(arguments[i] + 10);
  }
  if (threads < 1 || threads > THREADS_MAX) return 2;
  for (int i = 0; i < threads; i++) sockets[i] = open_socket(&port);
  printf("%d\n", port);
  fflush(stdout);
  pthread_t thread;
  if (pthread_create(&thread, NULL, exit_with_stdin, NULL) != 0) die("pthread_create");
  for (int i = 1; i < threads; i++)
    if (pthread_create(&thread, NULL, serve_one, &sockets[i]) != 0) die("pthread_create");
  serve_one(&sockets[0]);
}
