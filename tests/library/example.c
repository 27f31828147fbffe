/* Which sections can never be removed? Prints the answer of `memsect deps --json`. */
#include <memsect/memsect.h>
#include <stdio.h>

int main(int argc, char **argv) {
  struct memsect_session *session = NULL;
  struct memsect_error *error = NULL;
  char *json = NULL;
  enum memsect_status status = memsect_open((const char *const *)argv + 1, argc - 1, NULL, &session, &error);
  if (status == MEMSECT_OK) status = memsect_ask(session, "deps", NULL, &json, &error);
  if (status == MEMSECT_ERROR)
    fprintf(stderr, "%s\nhint: %s\n", memsect_error_text(error), memsect_error_hint(error));
  else
    printf("%s", json);
  const int code = status == MEMSECT_ERROR ? (int)memsect_error_code(error) : (int)status;
  memsect_free(json);
  memsect_error_free(error);
  memsect_close(session);
  return code;
}
