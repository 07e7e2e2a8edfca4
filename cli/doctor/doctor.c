/* `arrowpool doctor` says whether the shim will serve a command, or serves a process, and if not, why. */
#include "cli/doctor/doctor.h"
#include "cli/base/flags.h"
#include "cli/program/ask.h"
#include "cli/program/environment.h"
#include "cli/program/explain.h"
#include "cli/stats/live_files.h"
#include "cli/stats/process_truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cli_doctor_describe(void) {
  printf(
      "Looks at a COMMAND as `arrowpool run` would start it here, or at a running process, and says what\n"
      "the shim will serve and what stands in its way. The command itself is not run. Files are read, the\n"
      "kernel is asked by a child of the doctor's own, the command's loader is run with --list, and if\n"
      "the command is Python, its interpreter is started to say which pyarrow it would import, with the\n"
      "code of its site directories. Each has %d seconds at most; the last line says what was run.\n\n",
      ASK_SECONDS);
  puts("Each line is a finding: `ok`, `note` (good to know), `warning` (served, but less well), `problem`\n"
       "(not served), and what to do about it.\n\n"
       "  --format=FORMAT  text or json (docs/use/doctor.schema.json); default: text\n\n"
       "A number is a process; a command of such a name needs its path (./123).\n"
       "Status: 0 if the shim will serve it or does, 1 if not or if that cannot be seen, 2 for a wrong\n"
       "usage.");
}

static const char *look_at_command(target *p, char **command) {
  static program found; /* it is static because it is large */
  if (!getcwd(p->directory, sizeof p->directory))
    p->directory[0] = 0;
  const char *problem = program_open(command, &found);
  if (problem) {
    char where[PATH_MAX], words[EXPLAIN_BYTES];
    int error = program_find(command[0], where);
    findings_add(&p->found, FINDING_PROBLEM, "program", NULL, "%s: %s",
                 error || !*found.path ? command[0] : found.path,
                 error ? explain_failure(command[0], error, &found, problem, words) : problem);
    return problem;
  }
  for (char **word = command + 1; *word && strcmp(*word, "--") != 0; word++)
    if (strncmp(*word, "--format=", sizeof "--format=" - 1) == 0)
      findings_add(&p->found, FINDING_NOTE, "program", NULL,
                   "%s stands behind the command, and is its own: the doctor's options stand before it",
                   *word);
  p->environment = environment_with(environ, found.settings);
  p->knows_environment = true;
  doctor_settings(p);
  doctor_program(p, &found);
  doctor_shim(p);
  doctor_preload_list(p);
  doctor_environment(p);
  doctor_kernel(p);
  free(p->environment);
  p->environment = NULL;
  program_close(&found);
  return NULL;
}

static int report(target *p, const char *subject, bool as_json) {
  bool printed =
      as_json ? findings_print_json(&p->found, subject) : findings_print_text(&p->found, ASK_SECONDS);
  int status = printed && !findings_have(&p->found, FINDING_PROBLEM) ? CLI_OK : CLI_FAILURE;
  findings_free(&p->found);
  return status;
}

static int doctor_read_options(int argc, char **argv, bool *as_json) {
  static const flag flags[] = {FLAG_VALUE("format", 'f', "text or json")};
  FLAGS_DECLARE(flags, true);
  for (int id; (id = flags_next(argc, argv)) != -1;) {
    if (id == '?')
      return CLI_USAGE;
    *as_json = strcmp(optarg, "json") == 0;
    if (!*as_json && strcmp(optarg, "text") != 0)
      return flags_refuse(id, optarg);
  }
  if (optind == argc)
    return flags_missing("no COMMAND or PID given");
  if (live_files_is_pid(argv[optind]) && optind + 1 != argc)
    return flags_unexpected(argv[optind + 1], "doctor takes one PID, behind its options");
  return CLI_OK;
}

int cli_doctor(int argc, char **argv) {
  static target looked_at; /* it is static because it is large */
  target *p = &looked_at;
  bool as_json = false;
  int status = doctor_read_options(argc, argv, &as_json);
  if (status != CLI_OK)
    return status;
  if (!live_files_is_pid(argv[optind])) {
    look_at_command(p, argv + optind);
    return report(p, argv[optind], as_json);
  }
  const char *absence = process_truth_absence(argv[optind]);
  if (absence)
    return cli_failure("doctor: %s: %s", argv[optind], absence);
  p->pid = strtol(argv[optind], NULL, 10);
  doctor_process(p);
  return report(p, argv[optind], as_json);
}
