// The C functions of include/memsect/memsect.h over Session. No exception leaves them.
#include "memsect/memsect.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "answer/session.h"
#include "base/version.h"
#include "kernel/input_files.h"
#include "kernel/kernel.h"
#include "library/caller_memory.h"
#include "library/json.h"
#include "render/report.h"

struct memsect_session {
  memsect::Session session;
};

struct memsect_error {
  enum memsect_error_code code;
  std::string text, hint;
};

namespace memsect {
namespace {

enum memsect_error_code code_of(Errc code) {
  if (code == Errc::usage) return MEMSECT_ERROR_USAGE;
  return code == Errc::mismatch ? MEMSECT_ERROR_MISMATCH : MEMSECT_ERROR_UNREADABLE;
}

memsect_status fail(const Error& error, memsect_error** out) {
  if (out != nullptr) *out = new (std::nothrow) memsect_error{code_of(error.code), error.message, error.hint};
  return MEMSECT_ERROR;
}

/// Runs `work`; what it throws (memory runs out) becomes an error.
template <class Work>
memsect_status guarded(memsect_error** out, const Work& work) {
  if (out != nullptr) *out = nullptr;
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail({Errc::io, "out of memory", {}}, out);
  } catch (const std::exception& failure) {
    return fail({Errc::io, failure.what(), {}}, out);
  }
}

std::string_view text_or_empty(const char* text) { return text == nullptr ? "" : text; }

char* copy_of(const std::string& text) {
  auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

memsect_status open_kernel(const InputFiles& inputs, const InputRequest& request, memsect_session** session,
                           memsect_error** error) {
  auto kernel = Kernel::open(inputs, request);
  if (!kernel) return fail(kernel.error(), error);
  *session = new memsect_session{Session(std::make_shared<const Kernel>(*std::move(kernel)))};
  return MEMSECT_OK;
}

memsect_status open_files(std::span<const char* const> files, std::string_view options,
                          memsect_session** session, memsect_error** error) {
  InputRequest request;
  for (const char* const file : files) {
    if (file == nullptr || *file == '\0')
      return fail({Errc::usage, "the name of a file is empty", {}}, error);
    request.files.emplace_back(file);
  }
  if (auto done = read_open_options(options, request); !done) return fail(done.error(), error);
  auto inputs = open_input_files(request);
  if (!inputs) return fail(inputs.error(), error);
  return open_kernel(*inputs, request, session, error);
}

memsect_status open_memory(const memsect_memory& memory, std::string_view options, memsect_session** session,
                           memsect_error** error) {
  InputRequest request;
  if (auto done = read_open_options(options, request); !done) return fail(done.error(), error);
  if (!request.core.empty()) return fail({Errc::usage, "core: the memory is the caller's", {}}, error);
  auto ranges = ranges_of(memory);
  if (!ranges) return fail(ranges.error(), error);
  auto inputs = open_input_files(request);
  if (!inputs) return fail(inputs.error(), error);
  Dump dump;
  dump.memory = std::make_unique<const CallerMemory>(memory, *std::move(ranges));
  dump.vmcoreinfo = text_or_empty(memory.vmcoreinfo);
  dump.info.format = "memory";
  dump.info.utsname_machine = text_or_empty(memory.machine);
  inputs->given = std::make_shared<Dump>(std::move(dump));
  return open_kernel(*inputs, request, session, error);
}

memsect_status ask(Session& session, std::string_view name, std::string_view options, char** json,
                   memsect_error** error) {
  const Question* const question = find_question(name);
  if (question == nullptr) return fail({Errc::usage, std::string(name) + ": no such question", {}}, error);
  auto asked = read_ask_options(options, *question);
  if (!asked) return fail(asked.error(), error);
  const auto answer = session.ask(*question, *std::move(asked));
  if (!answer) return fail(answer.error(), error);
  std::string text;
  const auto outcome = find_renderer("json")->render(answer->report, {}, [&text](std::string_view piece) {
    text += piece;
    return true;
  });
  if (!outcome) return fail(outcome.error(), error);
  *json = copy_of(text);
  if (*json == nullptr) throw std::bad_alloc();
  if (answer->found) return MEMSECT_FOUND;
  return outcome->absences || answer->incomplete ? MEMSECT_PARTIAL : MEMSECT_OK;
}

}  // namespace
}  // namespace memsect

const char* memsect_version(void) { return memsect::version; }

memsect_status memsect_open(const char* const* files, size_t count, const char* options,
                            memsect_session** session, memsect_error** error) {
  return memsect::guarded(error, [&] {
    *session = nullptr;
    return memsect::open_files({files, count}, memsect::text_or_empty(options), session, error);
  });
}

memsect_status memsect_open_memory(const memsect_memory* memory, const char* options,
                                   memsect_session** session, memsect_error** error) {
  return memsect::guarded(error, [&] {
    *session = nullptr;
    return memsect::open_memory(*memory, memsect::text_or_empty(options), session, error);
  });
}

memsect_status memsect_ask(memsect_session* session, const char* question, const char* options, char** json,
                           memsect_error** error) {
  return memsect::guarded(error, [&] {
    *json = nullptr;
    return memsect::ask(session->session, memsect::text_or_empty(question), memsect::text_or_empty(options),
                        json, error);
  });
}

char* memsect_questions(void) {
  try {
    return memsect::copy_of(memsect::questions_json());
  } catch (const std::exception&) {
    return nullptr;
  }
}

enum memsect_error_code memsect_error_code(const memsect_error* error) {
  return error == nullptr ? MEMSECT_ERROR_UNREADABLE : error->code;
}

const char* memsect_error_text(const memsect_error* error) {
  return error == nullptr ? "out of memory" : error->text.c_str();
}

const char* memsect_error_hint(const memsect_error* error) {
  return error == nullptr ? "" : error->hint.c_str();
}

void memsect_error_free(memsect_error* error) { delete error; }
void memsect_free(char* json) { std::free(json); }
void memsect_close(memsect_session* session) { delete session; }
