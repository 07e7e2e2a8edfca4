/* Finds statistics: files as they are named, and in directories all .json, .jsonl and .live files. */
#ifndef ARROWPOOL_CLI_BASE_FIND_FILES_H
#define ARROWPOOL_CLI_BASE_FIND_FILES_H

#include <stdbool.h>

/* `named` says that the user named the file; others were found in a directory. */
typedef void (*find_files_take)(void *context, const char *path, bool named);
typedef void (*find_files_complain)(void *context, const char *path, const char *problem);

/* Takes a file, or a directory with all below it. Directories are read as they come, whatever their size;
 * links to files are followed in them, links to directories are not. */
void find_files(const char *path, find_files_take take, find_files_complain complain, void *context);

/* Takes likewise, in directories, the files with that ending, such as ".profile". */
void find_files_ending(const char *path, const char *ending, find_files_take take,
                       find_files_complain complain, void *context);

#endif
