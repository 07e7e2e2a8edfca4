/* Answers for `arrowpool serve` over HTTP, by libmicrohttpd, in one thread of that library's.
 *
 * The library is opened when it is needed: a command that only starts another program does not load it with
 * all that it needs, and a wheel need not carry it. All clients get one page, which is never changed: the
 * library counts who still sends it. What a client can have is bounded: connections, the memory of each, and
 * its time, of which a client that sends or reads slowly gets no more than others. When there are too many
 * the oldest is ended, so that nobody waits for the slow ones. */
#include "base/clock.h"
#include "cli/base/cli.h"
#include "cli/serve/serve.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY          "libmicrohttpd.so.12"
#define MOST_CONNECTIONS 320
#define ROOM_OF(most)    ((most) / 5)       /* the room for who comes while the oldest are being ended */
#define CONNECTION_BYTES ((size_t)16 << 10) /* a request and the head of its answer */
#define IDLE_SECONDS     3u                 /* the longest between two bytes of a client */
#define LONGEST_SECONDS  10  /* from the connection to the answer's end: no scraper waits longer */
#define GRACE            100 /* milliseconds */
#define BACKLOG          512

#define FUNCTIONS(X)                                                                                         \
  X(MHD_start_daemon)                                                                                        \
  X(MHD_stop_daemon)                                                                                         \
  X(MHD_create_response_from_buffer)                                                                         \
  X(MHD_add_response_header)                                                                                 \
  X(MHD_queue_response)                                                                                      \
  X(MHD_destroy_response)                                                                                    \
  X(MHD_get_connection_info)

static struct {
#define X(name) __typeof__(name) *name;
  FUNCTIONS(X)
#undef X
} mhd;

typedef struct connection {
  bool used, ended;
  int fd;
  int64_t since;   /* milliseconds */
  uint64_t number; /* it tells the order in which they came */
} connection;

static struct MHD_Daemon *server;
static struct MHD_Response *index_page, *not_found, *not_allowed;
static int listener = -1;
static _Atomic int64_t scrapes, slow;

/* The lock protects what follows. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct MHD_Response *page;
static connection connections[MOST_CONNECTIONS];
static uint64_t last_number;
static unsigned kept; /* the most that stay; constant once the server runs */

/* ---- answers ---- */

static struct MHD_Response *make_response(void *text, size_t size, enum MHD_ResponseMemoryMode mode,
                                          const char *type) {
  struct MHD_Response *response = mhd.MHD_create_response_from_buffer(size, text, mode);
  if (!response)
    return NULL;
  mhd.MHD_add_response_header(response, "Content-Type", type);
  mhd.MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  mhd.MHD_add_response_header(response, "Connection", "close");
  return response;
}

static struct MHD_Response *make_text(const char *text) {
  return make_response((void *)(uintptr_t)text, strlen(text), MHD_RESPMEM_PERSISTENT,
                       "text/plain; charset=utf-8");
}

static enum MHD_Result send_page(struct MHD_Connection *c) {
  pthread_mutex_lock(&lock);
  enum MHD_Result result = page ? mhd.MHD_queue_response(c, MHD_HTTP_OK, page) : MHD_NO;
  pthread_mutex_unlock(&lock);
  scrapes += result == MHD_YES;
  return result;
}

/* NOLINTBEGIN(readability-non-const-parameter): the type is the library's */
/* Answers before a body is read, so that none ever is. */
static enum MHD_Result serve_http_answer(void *context, struct MHD_Connection *c, const char *url,
                                         const char *method, const char *version, const char *body,
                                         size_t *body_size, void **state) {
  (void)context, (void)version, (void)body, (void)body_size, (void)state;
  if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
    return mhd.MHD_queue_response(c, MHD_HTTP_METHOD_NOT_ALLOWED, not_allowed);
  if (strcmp(url, "/metrics") == 0)
    return send_page(c);
  bool index = strcmp(url, "/") == 0;
  return mhd.MHD_queue_response(c, index ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, index ? index_page : not_found);
}
/* NOLINTEND(readability-non-const-parameter) */

void serve_http_publish(serve_page *p) {
  struct MHD_Response *next =
      make_response(p->text, p->size, MHD_RESPMEM_MUST_FREE, "text/plain; version=0.0.4; charset=utf-8");
  if (!next) { /* there is no memory: the last page stays, and tells its time */
    serve_page_free(p);
    return;
  }
  *p = (serve_page){0};
  pthread_mutex_lock(&lock);
  struct MHD_Response *last = page;
  page = next;
  pthread_mutex_unlock(&lock);
  if (last)
    mhd.MHD_destroy_response(last);
}

/* ---- connections ---- */

/* The functions of this part are called with `lock` held. */
static void end_connection(connection *c) {
  shutdown(c->fd, SHUT_RDWR);
  c->ended = true;
  slow++;
}

/* Ends the oldest connection of too many. The library accepts up to ten before it looks at what they sent;
 * where the room is not much more than that, who came just now must have had the time to be answered. */
static void make_room(void) {
  connection *oldest = NULL;
  unsigned count = 0;
  for (connection *c = connections; c < connections + MOST_CONNECTIONS; c++)
    if (c->used && !c->ended) {
      count++;
      oldest = !oldest || c->number < oldest->number ? c : oldest;
    }
  if (oldest && count > kept &&
      (kept >= MOST_CONNECTIONS / 2 || clock_milliseconds() - oldest->since > GRACE))
    end_connection(oldest);
}

/* The library calls this before it closes a descriptor, so none in the table is another's. */
static void note_connection(void *context, struct MHD_Connection *c, void **own,
                            enum MHD_ConnectionNotificationCode what) {
  (void)context;
  connection *place = *own;
  pthread_mutex_lock(&lock);
  if (what == MHD_CONNECTION_NOTIFY_CLOSED && place) {
    place->used = false;
  } else if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    for (place = connections; place < connections + MOST_CONNECTIONS && place->used;)
      place++;
    if (place < connections + MOST_CONNECTIONS) {
      int fd = mhd.MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
      *place = (connection){.used = true, .fd = fd, .since = clock_milliseconds(), .number = ++last_number};
      *own = place;
      make_room();
    }
  }
  pthread_mutex_unlock(&lock);
}

void serve_http_end_slow(void) {
  int64_t oldest = clock_milliseconds() - INT64_C(1000) * LONGEST_SECONDS;
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < MOST_CONNECTIONS; i++) {
    connection *c = &connections[i];
    if (c->used && !c->ended && c->since < oldest)
      end_connection(c);
  }
  make_room();
  pthread_mutex_unlock(&lock);
}

serve_http_counts serve_http_read_counts(void) {
  return (serve_http_counts){.scrapes = scrapes, .slow = slow};
}

/* ---- start and end ---- */

static bool load(void) {
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
#define X(name) mhd.name = library ? (__typeof__(name) *)dlsym(library, #name) : NULL;
  FUNCTIONS(X)
#undef X
#define X(name) &&mhd.name
  return library FUNCTIONS(X);
#undef X
}

static int make_listener(const serve_address *a) {
  int yes = 1, fd = socket(a->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (a->socket.ss_family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  if (bind(fd, (const struct sockaddr *)&a->socket, a->size) == 0 && listen(fd, BACKLOG) == 0)
    return fd;
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

/* Descriptors are kept for the live files: where they run out, processes would seem to be gone. */
static unsigned most_connections(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= 2ul * MOST_CONNECTIONS)
    return MOST_CONNECTIONS;
  return files.rlim_cur >= 2 ? (unsigned)files.rlim_cur / 2 : 1;
}

int serve_http_start(const serve_address *address, const char *text) {
  if (!load())
    return cli_failure("serve: --listen=%s: needs %s (Debian package libmicrohttpd12)", text, LIBRARY);
  listener = make_listener(address);
  if (listener < 0)
    return cli_failure("serve: --listen=%s: %s%s", text, strerror(errno),
                       errno == EADDRINUSE ? ": choose another port; 0 takes any that is free" : "");
  index_page = make_text("arrowpool serve: figures for Prometheus are at /metrics\n");
  not_found = make_text("not found: figures are at /metrics\n");
  not_allowed = make_text("not allowed: GET and HEAD are\n");
  unsigned most = most_connections();
  kept = most - ROOM_OF(most);
  if (index_page && not_found && not_allowed) {
    mhd.MHD_add_response_header(not_allowed, "Allow", "GET, HEAD");
    server = mhd.MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, serve_http_answer, NULL,
                                  MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, most,
                                  MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
                                  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_NOTIFY_CONNECTION,
                                  note_connection, NULL, MHD_OPTION_END);
  }
  return server ? CLI_OK : cli_failure("serve: --listen=%s: the server cannot be started", text);
}

void serve_http_announce(void) {
  serve_address bound = {.size = sizeof bound.socket};
  char text[INET6_ADDRSTRLEN] = "?";
  getsockname(listener, (struct sockaddr *)&bound.socket, &bound.size);
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)&bound.socket;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&bound.socket;
  bool is_v6 = bound.socket.ss_family == AF_INET6;
  inet_ntop(bound.socket.ss_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr, text, sizeof text);
  fprintf(stderr, "arrowpool: serve: http://%s%s%s:%d/metrics\n", is_v6 ? "[" : "", text, is_v6 ? "]" : "",
          ntohs(is_v6 ? v6->sin6_port : v4->sin_port));
}

void serve_http_stop(void) {
  struct MHD_Response *const responses[] = {page, index_page, not_found, not_allowed};
  if (server)
    mhd.MHD_stop_daemon(server); /* it closes the listener too */
  else if (listener >= 0)
    close(listener);
  for (size_t i = 0; i < sizeof responses / sizeof *responses; i++)
    if (responses[i])
      mhd.MHD_destroy_response(responses[i]);
}
