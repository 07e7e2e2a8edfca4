/* Asks a Python program by a question in Python 3.9 and newer, given by -c. It imports what it needs before
 * sys.path[0] is as the command would have it, so that no file beside the script is taken for a module of the
 * standard library; and it ends at once, without what others have registered for the end. */
#include "cli/program/python.h"

#include "cli/base/memory.h"
#include "cli/program/ask.h"
#include "cli/program/environment.h"
#include "cli/program/preload.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In its answer each character is one byte of the text, which need not be UTF-8. */
static const char question_text[] =
    "import sys\n"
    "kind, name = sys.argv[1:3]\n"
    "safe = sys.flags.isolated or getattr(sys.flags, 'safe_path', False)\n"
    "if not safe and sys.path[:1] == ['']: del sys.path[0]\n"
    "import importlib.machinery, importlib.util, json, os, re\n"
    "try: here = os.getcwd()\n"
    "except OSError: here = ''\n"
    "def whole(path): return os.path.normpath(os.path.join(here, path))\n"
    "def has_importer(path):\n"
    "  for hook in sys.path_hooks:\n"
    "    try: return bool(hook(path))\n"
    "    except ImportError: pass\n"
    "def directory():\n"
    "  if kind == 'command': return ''\n"
    "  if kind == 'module': return here\n"
    "  return name if has_importer(name) else os.path.dirname(os.path.realpath(name))\n"
    "def find_extension(places):\n"
    "  for finder in sys.meta_path:\n"
    "    find = getattr(finder, 'find_spec', None)\n"
    "    spec = find and find('pyarrow.lib', places, None)\n"
    "    if spec and str(spec.origin).endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)):\n"
    "      return whole(spec.origin)\n"
    "def find_version(package, places):\n"
    "  other = None\n"
    "  try:\n"
    "    import importlib.metadata\n"
    "    for found in importlib.metadata.distributions(name='pyarrow', path=places):\n"
    "      place = str(found.locate_file('pyarrow'))\n"
    "      if os.path.realpath(place) == os.path.realpath(package): return found.version\n"
    "      if not os.path.exists(place): other = other or found.version\n"
    "    with open(os.path.join(package, '_generated_version.py')) as file:\n"
    "      return re.search('version = .([0-9][^\\'\"]*)', file.read()).group(1)\n"
    "  except Exception: return other\n"
    "def look(answer):\n"
    "  spec = importlib.util.find_spec('pyarrow')\n"
    "  if not spec or not spec.origin: return\n"
    "  places = spec.submodule_search_locations\n"
    "  answer['package'] = whole(list(places)[0] if places else spec.origin)\n"
    "  answer['extension'] = find_extension(places) if places else None\n"
    "answer = {'python': '%d.%d.%d' % sys.version_info[:3], 'prefix': sys.prefix}\n"
    "answer['long_version'], answer['implementation'] = sys.version, sys.implementation.name\n"
    "standard = list(sys.path)\n"
    "if not safe or kind == 'script' and has_importer(name): sys.path.insert(0, directory())\n"
    "places = [place for place in sys.path if isinstance(place, str)]\n"
    "found = [whole(place) for place in places if os.path.isdir(place or '.')]\n"
    "answer['places'] = ', '.join(found)\n"
    "def is_site(path):\n"
    "  if os.path.basename(path) in ('site-packages', 'dist-packages'): return True\n"
    "  try: return any(name.endswith('.dist-info') for name in os.listdir(path))\n"
    "  except OSError: return False\n"
    "answer['sites'] = '\\n'.join(dict.fromkeys(path for path in found if is_site(path)))\n"
    "try: look(answer)\n"
    "except Exception as error: answer['failure'] = '%s: %s' % (type(error).__name__, error)\n"
    "sys.path[:] = standard\n"
    "if answer.get('package'): answer['version'] = find_version(answer['package'], places)\n"
    "answer = {key: os.fsencode(text).decode('latin-1') for key, text in answer.items() if text}\n"
    "answer['is_venv'] = sys.prefix != sys.base_prefix\n"
    "os.write(1, ('\\n' + json.dumps(answer) + '\\n').encode())\n"
    "os._exit(0)\n";

bool python_is(const program *p) {
  elf_symbol main_function = {.name = "Py_BytesMain"};
  elf_file_find(&p->elf, false, &main_function, 1);
  return main_function.defined || main_function.undefined;
}

/* ---- the command's flags ---- */

#define MOST_WORDS 80

/* Holds what is run, word by word. */
typedef struct words {
  char *all[MOST_WORDS + 8];
  size_t count;
  char flags[MOST_WORDS][3]; /* "-I" */
} words;

static void add_word(words *w, char *word) {
  if (w->count < MOST_WORDS)
    w->all[w->count++] = word;
}

/* Reads one word of flags, such as "-sEc". Returns false if the flags end in it; `kind` says with what. */
static bool read_flags(words *w, char *const arguments[], size_t *at, char **kind) {
  static char command[] = "command", module[] = "module";
  for (char *flag = arguments[*at] + 1; *flag; flag++) {
    if (*flag == 'c' || *flag == 'm') {
      *kind = *flag == 'c' ? command : module;
      return false;
    }
    if (w->count >= MOST_WORDS || strchr("iVh?", *flag)) /* they do other things than to run a program */
      continue;
    char *word = w->flags[w->count];
    word[0] = '-', word[1] = *flag, word[2] = 0;
    add_word(w, word);
    if (*flag != 'X' && *flag != 'W')
      continue;
    if (flag[1] || arguments[*at + 1])
      add_word(w, flag[1] ? flag + 1 : arguments[++*at]);
    break;
  }
  return true;
}

/* Reads the interpreter's words of the command; `kind` and `name` say what would be run. */
static void read_command(words *w, char *const arguments[], char **kind, char **name) {
  static char command[] = "command", script[] = "script", hash[] = "--check-hash-based-pycs", none[] = "";
  *kind = command;
  *name = none;
  add_word(w, arguments[0]);
  for (size_t i = 1; arguments[i]; i++) {
    char *word = arguments[i];
    if (strcmp(word, "-") == 0)
      return;
    if (word[0] != '-') {
      *kind = script;
      *name = word;
      return;
    }
    if (strcmp(word, hash) == 0 && arguments[i + 1])
      i++; /* it is only of use for what is imported */
    else if (word[1] != '-' && !read_flags(w, arguments, &i, kind))
      return;
  }
}

/* ---- LD_PRELOAD without the shim ---- */

static char *make_preload(const char *list) {
  char *made = memory_zeroed(1, strlen(list) + sizeof "LD_PRELOAD="), entry[PATH_MAX];
  strcpy(made, "LD_PRELOAD=");
  for (const char *at = list; preload_next(&at, entry);) {
    if (preload_is_shim(entry))
      continue;
    strcat(made, made[sizeof "LD_PRELOAD=" - 1] ? ":" : "");
    strcat(made, entry);
  }
  return made;
}

/* ---- the answer ---- */

/* Reads a text of the answer, whose characters are bytes; it is empty if there is none of that name. */
static void read_text(const json_t *answer, const char *key, char *out, size_t size) {
  const char *text = json_string_value(json_object_get(answer, key));
  size_t length = 0;
  for (; text && *text && length + 1 < size; text++) {
    unsigned char byte = (unsigned char)*text;
    if ((byte & 0xfc) == 0xc0) /* it is the first of two */
      byte = (unsigned char)((byte & 3) << 6 | (*++text & 0x3f));
    out[length++] = (char)byte;
  }
  out[length] = 0;
}

static bool read_answer(const char *line, python *out) {
  json_t *answer = json_loads(line, 0, NULL);
  if (!answer)
    return false;
  read_text(answer, "python", out->version, sizeof out->version);
  read_text(answer, "long_version", out->long_version, sizeof out->long_version);
  read_text(answer, "implementation", out->implementation, sizeof out->implementation);
  read_text(answer, "prefix", out->prefix, sizeof out->prefix);
  read_text(answer, "places", out->places, sizeof out->places);
  read_text(answer, "sites", out->sites, sizeof out->sites);
  read_text(answer, "package", out->package, sizeof out->package);
  read_text(answer, "version", out->package_version, sizeof out->package_version);
  read_text(answer, "extension", out->extension, sizeof out->extension);
  read_text(answer, "failure", out->failure, sizeof out->failure);
  out->is_venv = json_is_true(json_object_get(answer, "is_venv"));
  json_decref(answer);
  return *out->version;
}

bool python_read(char *text, python *out) {
  bool found = false;
  for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
    if (strncmp(line, "{\"python\": ", 11) == 0) /* what code of .pth files prints is no answer */
      found = read_answer(line, out);
  return found;
}

/* ---- all of it ---- */

static void note_words(const words *w, const char *file, char *out, size_t size) {
  size_t used = (size_t)snprintf(out, size, "%s", file);
  for (size_t i = 1; i < w->count && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, " %s", w->all[i]);
  if (used < size)
    snprintf(out + used, size - used, " -c");
}

bool python_ask(const program *p, char *const environment[], const char *directory, python *out) {
  static char no_bytecode[] = "-B", command[] = "-c";
  char text[sizeof question_text], *kind, *name, *preload = NULL;
  words w = {0};
  ask_answer answer = {0};
  memset(out, 0, sizeof *out);
  memcpy(text, question_text, sizeof text);
  read_command(&w, p->arguments, &kind, &name);
  add_word(&w, no_bytecode); /* it leaves no files behind */
  note_words(&w, p->path, out->asked, sizeof out->asked);
  memcpy(w.all + w.count, (char *[]){command, text, kind, name, NULL}, 5 * sizeof *w.all);
  const char *list = environment_get(environment, "LD_PRELOAD");
  if (list)
    preload = make_preload(list);
  char **made = environment_with(environment, (char *[]){preload, NULL});
  ask_question question = {p->path, w.all, made, directory};
  if (!ask(&question, &answer))
    snprintf(out->problem, sizeof out->problem, "%s", answer.problem);
  else if (!python_read(answer.text, out))
    snprintf(out->problem, sizeof out->problem, "gave no answer that can be read");
  ask_free(&answer);
  free(made);
  free(preload);
  return !*out->problem;
}
