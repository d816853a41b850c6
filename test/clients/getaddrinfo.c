/*
 * getaddrinfo NAME...: asks the C library's resolver for each name as a program that connects by name does, address
 * family left open. One line a name: the name, then each address once, or the error's text behind "error:".
 * It exits with 1 when a name had an error. Builds with glibc and with musl.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

static const void *address_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return &((const struct sockaddr_in *)address)->sin_addr;
	return &((const struct sockaddr_in6 *)address)->sin6_addr;
}

static int ask(const char *name)
{
	/* Without a socket type each address would come three times. */
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int error = getaddrinfo(name, NULL, &hints, &found);

	printf("%s", name);
	if (error != 0)
		printf(" error: %s", gai_strerror(error));
	for (const struct addrinfo *each = found; each != NULL; each = each->ai_next) {
		char text[INET6_ADDRSTRLEN];
		printf(" %s", inet_ntop(each->ai_family, address_of(each->ai_addr), text, sizeof text));
	}
	printf("\n");
	if (found != NULL)
		freeaddrinfo(found);
	return error != 0;
}

int main(int count, char **arguments)
{
	int failed = 0;
	for (int index = 1; index < count; index++)
		failed |= ask(arguments[index]);
	return failed;
}
