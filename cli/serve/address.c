/* Parses the address of --listen. It is loopback unless another is given: who forgets it discloses nothing.
 * It is of numbers only, so that nothing depends on a resolver. */
#include "cli/serve/serve.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_port(const char *text, in_port_t *out) {
  size_t length = strspn(text, "0123456789");
  long port = length && length <= 5 && !text[length] ? strtol(text, NULL, 10) : 65536;
  *out = htons((uint16_t)port);
  return port <= 65535;
}

/* Parses an address with its interface where it needs one: fe80::1%eth0. */
static bool parse_v6(const char *text, const char *port, serve_address *out) {
  struct sockaddr_in6 *to = (struct sockaddr_in6 *)&out->socket;
  char address[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
  if ((size_t)snprintf(address, sizeof address, "%s", text) >= sizeof address)
    return false;
  char *scope = strchr(address, '%');
  if (scope)
    *scope++ = 0;
  to->sin6_family = AF_INET6;
  to->sin6_scope_id = scope ? if_nametoindex(scope) : 0;
  out->size = sizeof *to;
  return (!scope || to->sin6_scope_id) && inet_pton(AF_INET6, address, &to->sin6_addr) == 1 &&
         parse_port(port, &to->sin6_port);
}

static bool parse_v4(const char *text, const char *port, serve_address *out) {
  struct sockaddr_in *to = (struct sockaddr_in *)&out->socket;
  to->sin_family = AF_INET;
  to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  out->size = sizeof *to;
  return (!*text || inet_pton(AF_INET, text, &to->sin_addr) == 1) && parse_port(port, &to->sin_port);
}

bool serve_address_parse(const char *text, serve_address *out) {
  char address[128];
  const char *colon = strrchr(text, ':');
  size_t length = colon ? (size_t)(colon - text) : 0;
  memset(out, 0, sizeof *out);
  if (!colon)
    return parse_v4("", text, out);
  if (length >= sizeof address)
    return false;
  memcpy(address, text, length);
  address[length] = 0;
  if (*address != '[')
    return parse_v4(address, colon + 1, out);
  if (address[length - 1] != ']')
    return false;
  address[length - 1] = 0;
  return parse_v6(address + 1, colon + 1, out);
}
