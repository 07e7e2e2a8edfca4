/* Serves Arrow's pools from a moment on that the program chooses: what arrowpool.h says of arrowpool_install.
 * Nothing was preloaded, so libc's functions stay the program's own.
 *
 * All that is wrong is found before anything is changed. The shim has this file too: what is preloaded has
 * nothing to install. */
#include "base/nocancel.h"
#include "base/presence.h"
#include "base/writer.h"
#include "report/live.h"
#include "shim/arrow_patch.h"
#include "shim/configure.h"
#include "shim/first_use.h"
#include "shim/install/find_arrow.h"
#include "shim/install/given.h"
#include "shim/install/life.h"
#include "shim/log.h"
#include "shim/owners.h"
#include "shim/router.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define API __attribute__((visibility("default")))

enum { ASLEEP, WAKING, AWAKE }; /* as router.h has the states */

/* Writes the message to the caller, cut off where there is no more room. */
static arrowpool_status answer(arrowpool_status status, char *message, size_t size, const char *text) {
  size_t length = strlen(text);
  if (message && size) {
    length = length < size ? length : size - 1;
    memcpy(message, text, length);
    message[length] = 0;
  }
  return status;
}

#define ANSWER(status, text) answer(status, message, size, text)

/* Returns the version of a shim that is preloaded and is not this library; NULL: there is none. Calls by name
 * arrive there, if it is of a version that knows them. */
static const char *other_shim(void) {
  static const char file[] = "libarrowpool_preload";
  const char *(*version)(void) = (const char *(*)(void))dlsym(RTLD_DEFAULT, "arrowpool_version");
  Dl_info info;
  if (!version) {
    dlerror(); /* NOLINT(concurrency-mt-unsafe): glibc keeps a message for each thread */
    return NULL;
  }
  if (owners_same((void *)version, &the_router) || !dladdr((void *)version, &info) || !info.dli_fname)
    return NULL;
  const char *slash = strrchr(info.dli_fname, '/');
  return strncmp(slash ? slash + 1 : info.dli_fname, file, sizeof file - 1) == 0 ? version() : NULL;
}

static arrowpool_status refuse_shim(const char *version, char *message, size_t size) {
  char text[96];
  writer w;
  writer_init(&w, writer_keep, &(writer_kept){text, sizeof text, 0});
  writer_print(&w, "the shim of arrowpool %s is preloaded, and serves already", version);
  writer_finish(&w);
  return ANSWER(ARROWPOOL_EXISTS, text);
}

static bool is_present_as(arrowpool_presence presence) {
  return atomic_load(&presence_now) == PRESENCE_OF(presence);
}

static void tell_readers(arrowpool_presence presence) {
  live_header *header = live_own_header();
  atomic_store(&presence_now, PRESENCE_OF(presence));
  if (header)
    atomic_store(&header->presence, PRESENCE_OF(presence));
}

/* Goes on where something was installed before. */
static arrowpool_status go_on(char *message, size_t size) {
  if (is_present_as(ARROWPOOL_PRELOADED))
    return refuse_shim(ARROWPOOL_VERSION, message, size);
  find_arrow_patch_new();
  if (arrow_patch_serves())
    return ANSWER(ARROWPOOL_EXISTS, "arrowpool is installed already, with the options of the first time");
  arrow_patch_set_serving(true);
  tell_readers(ARROWPOOL_INSTALLED);
  return ANSWER(ARROWPOOL_OK, "arrowpool serves again, with the options of the first time");
}

/* Checks everything; what is wrong is said in `text`. */
static arrowpool_status check(const char *given, char text[GIVEN_MESSAGE_BYTES]) {
  if (!given_read(given, &the_router.settings, text))
    return ARROWPOOL_INVALID;
  const char *unknown = find_arrow_judge();
  const char *reason = unknown ? unknown : configure_refuse(&the_router.settings);
  strcpy(text, reason ? reason : "");
  return unknown ? ARROWPOOL_UNSUPPORTED : reason ? ARROWPOOL_INVALID : ARROWPOOL_OK;
}

static void wake(void) {
  configure_all(&the_router.settings);
  first_use_watch();
  life_begin();
  atomic_store(&presence_now, PRESENCE_OF(ARROWPOOL_INSTALLED));
  atomic_store_explicit(&the_router.state, AWAKE, memory_order_release);
}

API arrowpool_status arrowpool_install(const char *given, char *message, size_t size) {
  int saved = errno, asleep = ASLEEP;
  char text[GIVEN_MESSAGE_BYTES] = "";
  ANSWER(ARROWPOOL_OK, "");
  if (atomic_load(&the_router.state) == AWAKE)
    return go_on(message, size);
  const char *version = other_shim();
  if (version)
    return refuse_shim(version, message, size);
  if (!ABI_KNOWN)
    return ANSWER(ARROWPOOL_UNSUPPORTED, "on this processor Arrow's pools cannot be patched");
  if (!atomic_compare_exchange_strong(&the_router.state, &asleep, WAKING))
    return ANSWER(ARROWPOOL_EXISTS, "another thread is installing arrowpool");
  int cancel_state = nocancel_begin();
  log_start();
  arrowpool_status status = check(given, text);
  if (status == ARROWPOOL_OK) {
    wake();
    find_arrow_patch_new();
    if (!arrow_patch_count())
      strcpy(text, "no libarrow is loaded yet; call arrowpool_install again when one is");
  } else {
    memset(&the_router.settings, 0, sizeof the_router.settings);
    atomic_store(&the_router.state, ASLEEP);
  }
  nocancel_end(cancel_state);
  errno = saved;
  return ANSWER(status, text);
}

API arrowpool_status arrowpool_uninstall(void) {
  if (!is_present_as(ARROWPOOL_INSTALLED))
    return is_present_as(ARROWPOOL_PRELOADED) ? ARROWPOOL_EXISTS : ARROWPOOL_OK;
  arrow_patch_set_serving(false);
  tell_readers(ARROWPOOL_LINKED);
  return ARROWPOOL_OK;
}

API void arrowpool_finish(void) {
  if (atomic_load(&the_router.state) == AWAKE && !is_present_as(ARROWPOOL_PRELOADED))
    life_leave();
}

API arrowpool_presence arrowpool_get_presence(void) {
  return (arrowpool_presence)(atomic_load(&presence_now) - PRESENCE_OF(0));
}
