/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * libmemsect: ask a Linux crash dump, or a running kernel, about its memory sections.
 *
 *   struct memsect_error *error = NULL;
 *   struct memsect_session *session = NULL;
 *   const char *files[] = {"vmcore", "vmlinux"};
 *   char *json = NULL;
 *   if (memsect_open(files, 2, NULL, &session, &error) != MEMSECT_OK ||
 *       memsect_ask(session, "deps", NULL, &json, &error) == MEMSECT_ERROR)
 *     fprintf(stderr, "%s\n", memsect_error_text(error));
 *   else
 *     puts(json);
 *   memsect_free(json);
 *   memsect_error_free(error);
 *   memsect_close(session);
 *
 * The questions are the commands of memsect(1): "deps", "why", "removable", "sections", ... The answers are the JSON of
 * memsect-json(5). The library prints nothing, keeps no state outside of a session, never ends the process and does not
 * touch signals or privileges. Several threads may use several sessions at once; one session is used by one thread at a
 * time. Strings are UTF-8.
 */
#ifndef MEMSECT_MEMSECT_H
#define MEMSECT_MEMSECT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MEMSECT_API __attribute__((visibility("default")))
#else
#define MEMSECT_API
#endif

/* What a call ends with: the exit statuses of memsect(1), and MEMSECT_ERROR where there is no answer. */
enum memsect_status {
  MEMSECT_OK = 0,
  MEMSECT_FOUND = 1,   /* an answer, and what "fail-on" asks for is in it, or a check is violated */
  MEMSECT_PARTIAL = 5, /* an answer, parts of which are absent: {"absent": REASON, "why": TEXT} */
  MEMSECT_ERROR = -1   /* no answer; the error says why */
};

/* What kind of error it is. */
enum memsect_error_code {
  MEMSECT_ERROR_USAGE = 2,      /* an option, target, question or JSON that makes no sense */
  MEMSECT_ERROR_UNREADABLE = 3, /* files that cannot be opened or decoded */
  MEMSECT_ERROR_MISMATCH = 4    /* files that do not belong together */
};

struct memsect_session;
struct memsect_error;

/* The release of the library, "1.0.0". */
MEMSECT_API const char *memsect_version(void);

/* Opens a dump, with what there is of its kernel (vmlinux, System.map, BTF), in any order; they are told apart by their
 * content. No files: the running kernel, through /proc/kcore.
 *
 * `options` is a JSON object or NULL: "core", "vmlinux", "symbols", "btf" name files by their role; "types" is "auto",
 * "dwarf", "btf" or "vmcoreinfo"; "search" (true) whether a vmlinux is looked for when none is named; "debuginfod" (false)
 * whether it may be fetched; "force" (false) whether files that do not belong together are used all the same.
 *
 * On success *session has to be closed; on failure *error, where `error` is not NULL, has to be freed. */
MEMSECT_API enum memsect_status memsect_open(const char *const *files, size_t count, const char *options,
                                             struct memsect_session **session, struct memsect_error **error);

/* A stretch of physical memory. */
struct memsect_range {
  uint64_t start, size;
};

/* Memory that the caller reads. It has to hold still while the session is open. */
struct memsect_memory {
  void *context; /* handed to `read` */
  /* Fills `buffer` with `size` bytes at the physical address, which never reach over the end of a page of 4096 bytes.
   * Returns 0, or anything else where the memory is not there. It may be called until memsect_close(), by any thread
   * that uses the session and by threads of the library itself. */
  int (*read)(void *context, uint64_t physical, void *buffer, size_t size);
  /* The memory there is; none: all addresses may be tried. */
  const struct memsect_range *ranges;
  size_t range_count;
  const char *vmcoreinfo; /* the text of the VMCOREINFO note, or NULL: it is searched for in the ranges */
  const char *machine;    /* as uname -m says it: "x86_64"; NULL: by VMCOREINFO, where that tells */
};

/* Like memsect_open(), with memory in place of a dump. Files among `options` ("vmlinux", "symbols", "btf") as there. */
MEMSECT_API enum memsect_status memsect_open_memory(const struct memsect_memory *memory, const char *options,
                                                    struct memsect_session **session,
                                                    struct memsect_error **error);

/* Asks a question. `options` is a JSON object or NULL: the options of the command without their dashes, {"section":
 * "2-6"}, flags as true, "check" as a list; "target" of the questions that take one, a list where they take several; "threads".
 *
 * Returns MEMSECT_OK, MEMSECT_FOUND or MEMSECT_PARTIAL with *json to be freed by memsect_free(), or MEMSECT_ERROR. */
MEMSECT_API enum memsect_status memsect_ask(struct memsect_session *session, const char *question,
                                            const char *options, char **json, struct memsect_error **error);

/* The questions, their options and columns, as JSON to be freed by memsect_free(); NULL when out of memory. */
MEMSECT_API char *memsect_questions(void);

MEMSECT_API enum memsect_error_code memsect_error_code(const struct memsect_error *error);
/* What went wrong and why, one sentence; never NULL. */
MEMSECT_API const char *memsect_error_text(const struct memsect_error *error);
/* What to do about it; empty where nothing is known. */
MEMSECT_API const char *memsect_error_hint(const struct memsect_error *error);

/* All of these take NULL. */
MEMSECT_API void memsect_error_free(struct memsect_error *error);
MEMSECT_API void memsect_free(char *json);
MEMSECT_API void memsect_close(struct memsect_session *session);

#ifdef __cplusplus
}
#endif

#endif
