/*
 * The stub resolver of a pod under load, with glibc's timing: per name the search path (ndots), per candidate A and AAAA at once
 * from one new socket, 5 s a try, two tries; SERVFAIL asks again at once; a candidate without any answer ends the look-up with
 * EAI_AGAIN. Where one of both families is answered, the look-up goes on with it.
 *
 *   stub [options] < schedule > records
 *     --server IP          default 10.96.0.10, port 53
 *     --start-at US        CLOCK_MONOTONIC in microseconds that the schedule counts from; default now
 *     --search A,B,C       default none; --ndots N, default 5
 *     --timeout-ms N       of a try, default 5000; --tries N, default 2
 *     --a-only             no AAAA
 *     --one-socket         one socket, and so one source port, for all queries
 *
 *   schedule   AT-US NAME                       sorted; a dot at the end: no search path
 *   records    Q LOOKUP NAME TYPE SENT-US LATENCY-US RCODE TTL-S TRIES    one query; RCODE -1: no answer; LATENCY from the first try
 *              L LOOKUP SENT-US LATENCY-US RESULT NAME                  one look-up; RESULT ok, noname or again
 *
 * All times are in microseconds since the start; the schedule is best a file, since reading it must not wait. TTL-S is the least of the answer and authority sections.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NAME_MAX_OCTETS = 256, CANDIDATE_MAX_OCTETS = 1024, MESSAGE_MAX = 1500, SEARCH_MAX = 8, EVENTS_MAX = 64, TYPE_A = 1, TYPE_AAAA = 28 };
enum { RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_NONE = -1 };

struct query {
	uint16_t id;
	uint16_t type;
	int64_t sent_us;
	int rcode; /* RCODE_NONE: not answered yet */
	bool is_failed; /* SERVFAIL in this try */
	bool has_address;
};

struct lookup {
	long number;
	char name[NAME_MAX_OCTETS];
	int candidate;
	int tries;
	int fd;
	int64_t started_us;
	int64_t deadline_us;
	bool got_servfail;
	struct query queries[2];
	struct lookup *before, *after; /* in the order of deadlines, which is that of sending: all have the same time-out */
};

static struct sockaddr_storage server;
static socklen_t server_size;
static char *search[SEARCH_MAX];
static int search_count, ndots = 5, tries_max = 2, query_count = 2;
static int64_t start_us, timeout_us = 5000000;
static bool is_one_socket;
static int one_fd = -1, epoll_fd;
static struct lookup waiting = {.before = &waiting, .after = &waiting};
static struct lookup *by_id[65536]; /* with one socket an id must tell the look-up */
static uint16_t next_id;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * (int64_t)1000000 + time.tv_nsec / 1000 - start_us;
}

/* The candidates of a name, as res_search makes them: with too few dots the search path comes first. False: there is no more. */
static bool candidate_name(const struct lookup *lookup, char *out)
{
	size_t length = strlen(lookup->name);
	bool is_absolute = length > 0 && lookup->name[length - 1] == '.';
	int dots = 0;
	for (const char *each = lookup->name; *each; each++) dots += *each == '.';
	if (is_absolute || search_count == 0) {
		snprintf(out, CANDIDATE_MAX_OCTETS, "%.*s", (int)(length - is_absolute), lookup->name);
		return lookup->candidate == 0;
	}
	bool is_name_first = dots >= ndots;
	int index = lookup->candidate - is_name_first;
	if (lookup->candidate > search_count) return false;
	if ((is_name_first && lookup->candidate == 0) || index == search_count)
		snprintf(out, CANDIDATE_MAX_OCTETS, "%s", lookup->name);
	else
		snprintf(out, CANDIDATE_MAX_OCTETS, "%s.%s", lookup->name, search[index]);
	return true;
}

static size_t write_query(unsigned char *out, const char *name, uint16_t id, uint16_t type)
{
	unsigned char *at = out + 12;
	memset(out, 0, 12);
	out[0] = id >> 8;
	out[1] = id & 255;
	out[2] = 1; /* RD */
	out[5] = 1;
	for (const char *label = name; *label;) {
		size_t length = strcspn(label, ".");
		*at++ = length;
		memcpy(at, label, length);
		at += length;
		label += length + (label[length] == '.');
	}
	*at++ = 0;
	*at++ = 0;
	*at++ = type;
	*at++ = 0;
	*at++ = 1;
	return at - out;
}

static int open_socket(void)
{
	int fd = socket(server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) die("socket");
	if (connect(fd, (struct sockaddr *)&server, server_size) < 0) die("connect");
	return fd;
}

static void unlink_lookup(struct lookup *lookup)
{
	lookup->before->after = lookup->after;
	lookup->after->before = lookup->before;
}

static void record_query(const struct lookup *lookup, const struct query *query, int rcode, long ttl)
{
	char name[CANDIDATE_MAX_OCTETS];
	candidate_name(lookup, name);
	printf("Q %ld %s %s %lld %lld %d %ld %d\n", lookup->number, name, query->type == TYPE_A ? "A" : "AAAA",
	       (long long)query->sent_us, (long long)(now_us() - query->sent_us), rcode, ttl, lookup->tries);
}

/* Sends what is not answered. A full queue of the socket or an ICMP error counts as a loss. */
static void send_queries(struct lookup *lookup)
{
	char name[CANDIDATE_MAX_OCTETS];
	unsigned char message[MESSAGE_MAX];
	candidate_name(lookup, name);
	lookup->tries++;
	lookup->deadline_us = now_us() + timeout_us;
	for (int index = 0; index < query_count; index++) {
		struct query *query = &lookup->queries[index];
		if (query->rcode != RCODE_NONE) continue;
		query->is_failed = false;
		size_t size = write_query(message, name, query->id, query->type);
		if (send(lookup->fd, message, size, 0) < 0 && errno != ECONNREFUSED && errno != EAGAIN) die("send");
	}
	lookup->before = waiting.before;
	lookup->after = &waiting;
	waiting.before->after = lookup;
	waiting.before = lookup;
}

static void ask_candidate(struct lookup *lookup)
{
	if (is_one_socket)
		lookup->fd = one_fd;
	else {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = lookup};
		lookup->fd = open_socket();
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, lookup->fd, &event) < 0) die("epoll_ctl");
	}
	lookup->tries = 0;
	for (int index = 0; index < query_count; index++) {
		struct query *query = &lookup->queries[index];
		while (by_id[next_id] != NULL) next_id++;
		*query = (struct query){.id = next_id++, .type = index == 0 ? TYPE_A : TYPE_AAAA, .rcode = RCODE_NONE, .sent_us = now_us()};
		by_id[query->id] = lookup;
	}
	send_queries(lookup);
}

static void end_candidate(struct lookup *lookup)
{
	unlink_lookup(lookup);
	for (int index = 0; index < query_count; index++) by_id[lookup->queries[index].id] = NULL;
	if (!is_one_socket) close(lookup->fd);
}

static void end_lookup(struct lookup *lookup, const char *result)
{
	printf("L %ld %lld %lld %s %s\n", lookup->number, (long long)lookup->started_us,
	       (long long)(now_us() - lookup->started_us), result, lookup->name);
	free(lookup);
}

/* All queries of a candidate are answered or given up. */
static void conclude(struct lookup *lookup)
{
	char name[CANDIDATE_MAX_OCTETS];
	bool has_address = false, is_silent = false;
	for (int index = 0; index < query_count; index++) {
		const struct query *query = &lookup->queries[index];
		has_address |= query->has_address;
		is_silent |= query->rcode == RCODE_NONE;
		lookup->got_servfail |= query->rcode == RCODE_SERVFAIL;
		if (query->rcode == RCODE_NONE) record_query(lookup, query, RCODE_NONE, 0);
	}
	end_candidate(lookup);
	lookup->candidate++;
	if (has_address)
		end_lookup(lookup, "ok");
	else if (is_silent)
		end_lookup(lookup, "again");
	else if (candidate_name(lookup, name))
		ask_candidate(lookup);
	else
		end_lookup(lookup, lookup->got_servfail ? "again" : "noname");
}

/* The next try, or the end of the candidate. */
static void try_again(struct lookup *lookup)
{
	if (lookup->tries == tries_max) {
		for (int index = 0; index < query_count; index++) {
			struct query *query = &lookup->queries[index];
			if (!query->is_failed) continue;
			query->rcode = RCODE_SERVFAIL;
			record_query(lookup, query, RCODE_SERVFAIL, 0);
		}
		conclude(lookup);
		return;
	}
	unlink_lookup(lookup);
	send_queries(lookup);
}

static size_t skip_name(const unsigned char *message, size_t size, size_t at)
{
	while (at < size && message[at] != 0) {
		if (message[at] >= 0xc0) return at + 2;
		at += 1 + message[at];
	}
	return at + 1;
}

/* The least TTL of answer and authority; has_address: a record of the type asked is there. */
static long read_records(const unsigned char *message, size_t size, uint16_t type, bool *has_address)
{
	int count = message[7] + message[9] + 256 * (message[6] + message[8]);
	size_t at = skip_name(message, size, 12) + 4;
	long least = -1;
	while (count-- > 0 && (at = skip_name(message, size, at)) + 10 <= size) {
		long ttl = (long)message[at + 4] << 24 | message[at + 5] << 16 | message[at + 6] << 8 | message[at + 7];
		if (least < 0 || ttl < least) least = ttl;
		*has_address |= (message[at] << 8 | message[at + 1]) == type;
		at += 10 + (message[at + 8] << 8 | message[at + 9]);
	}
	return least < 0 ? 0 : least;
}

static void take_response(struct lookup *lookup, const unsigned char *message, size_t size)
{
	uint16_t id = message[0] << 8 | message[1];
	struct query *query = NULL;
	for (int index = 0; index < query_count; index++)
		if (lookup->queries[index].id == id) query = &lookup->queries[index];
	if (query == NULL || query->rcode != RCODE_NONE || query->is_failed) return;
	int rcode = message[3] & 15;
	if (rcode == 0 || rcode == RCODE_NXDOMAIN) {
		long ttl = read_records(message, size, query->type, &query->has_address);
		query->rcode = rcode;
		record_query(lookup, query, rcode, ttl);
	} else
		query->is_failed = true;
	bool is_failed = false;
	for (int index = 0; index < query_count; index++) {
		const struct query *each = &lookup->queries[index];
		if (each->rcode == RCODE_NONE && !each->is_failed) return;
		is_failed |= each->is_failed;
	}
	if (is_failed)
		try_again(lookup);
	else
		conclude(lookup);
}

static void receive(struct lookup *lookup)
{
	unsigned char message[MESSAGE_MAX];
	int fd = lookup == NULL ? one_fd : lookup->fd;
	for (int count = 0; count < EVENTS_MAX; count++) {
		ssize_t size = recv(fd, message, sizeof message, MSG_DONTWAIT);
		if (size < 0) return; /* empty, or an ICMP error: the time-out tells */
		if (size < 12) continue;
		struct lookup *owner = by_id[message[0] << 8 | message[1]];
		if (owner == NULL || (lookup != NULL && owner != lookup)) continue;
		take_response(owner, message, size);
		if (lookup != NULL) return; /* it may be gone; what is left wakes us again */
	}
}

static void start_lookup(long number, const char *name)
{
	struct lookup *lookup = calloc(1, sizeof *lookup);
	if (lookup == NULL) die("calloc");
	lookup->number = number;
	lookup->started_us = now_us();
	snprintf(lookup->name, sizeof lookup->name, "%s", name);
	ask_candidate(lookup);
}

static void run_schedule(void)
{
	struct epoll_event events[EVENTS_MAX];
	char line[NAME_MAX_OCTETS + 32], name[NAME_MAX_OCTETS];
	long long at_us;
	long number = 0;
	bool has_next = fgets(line, sizeof line, stdin) && sscanf(line, "%lld %255s", &at_us, name) == 2;
	while (has_next || waiting.after != &waiting) {
		int64_t time_us = now_us();
		while (has_next && at_us <= time_us) {
			start_lookup(number++, name);
			has_next = fgets(line, sizeof line, stdin) && sscanf(line, "%lld %255s", &at_us, name) == 2;
		}
		while (waiting.after != &waiting && waiting.after->deadline_us <= time_us) try_again(waiting.after);
		int64_t wake_us = has_next ? at_us : INT64_MAX;
		if (waiting.after != &waiting && waiting.after->deadline_us < wake_us) wake_us = waiting.after->deadline_us;
		if (wake_us == INT64_MAX) break;
		int64_t wait_us = wake_us - now_us();
		if (wait_us < 0) wait_us = 0;
		struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
		int count = epoll_pwait2(epoll_fd, events, EVENTS_MAX, &wait, NULL);
		if (count < 0 && errno != EINTR) die("epoll_pwait2");
		for (int index = 0; index < count; index++) receive(events[index].data.ptr);
	}
}

static void set_server(const char *text)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&server;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&server;
	memset(&server, 0, sizeof server);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(53);
		server_size = sizeof *v4;
	} else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(53);
		server_size = sizeof *v6;
	} else {
		fprintf(stderr, "%s is no address\n", text);
		exit(2);
	}
}

static void read_options(int count, char **arguments)
{
	for (int index = 1; index < count; index++) {
		const char *option = arguments[index];
		bool is_flag = !strcmp(option, "--a-only") || !strcmp(option, "--one-socket");
		char *value = is_flag ? NULL : index + 1 < count ? arguments[++index] : "";
		if (!strcmp(option, "--a-only")) query_count = 1;
		else if (!strcmp(option, "--one-socket")) is_one_socket = true;
		else if (!strcmp(option, "--server")) set_server(value);
		else if (!strcmp(option, "--start-at")) start_us = atoll(value);
		else if (!strcmp(option, "--ndots")) ndots = atoi(value);
		else if (!strcmp(option, "--timeout-ms")) timeout_us = atoll(value) * 1000;
		else if (!strcmp(option, "--tries")) tries_max = atoi(value);
		else if (!strcmp(option, "--search")) {
			for (char *each = strtok(value, ","); each && search_count < SEARCH_MAX; each = strtok(NULL, ","))
				search[search_count++] = each;
		} else {
			fprintf(stderr, "unknown option %s\n", option);
			exit(2);
		}
	}
}

int main(int count, char **arguments)
{
	struct rlimit files = {65536, 65536};
	setrlimit(RLIMIT_NOFILE, &files); /* a socket a look-up; without it 1024 at a time */
	set_server("10.96.0.10");
	read_options(count, arguments);
	if (start_us == 0) start_us = now_us();
	if ((epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
	if (is_one_socket) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
		one_fd = open_socket();
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, one_fd, &event) < 0) die("epoll_ctl");
	}
	static char buffer[1 << 20];
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	run_schedule();
	return 0;
}
