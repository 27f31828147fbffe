#include "analysis/reason.h"

#include <array>

namespace memsect {

std::string_view reason_severity_name(ReasonSeverity severity) {
  constexpr std::array<std::string_view, 3> names{"permanent", "now", "hint"};
  return names.at(static_cast<std::size_t>(severity));
}

std::string_view answer_of(OfflineStage stage) {
  constexpr std::array<std::string_view, 5> answers{"EINVAL", "EBUSY", "EPERM", "EBUSY", "EINTR"};
  return answers.at(static_cast<std::size_t>(stage));
}

Reason make_reason(std::string_view code, ReasonSeverity severity, std::string text, OfflineStage stage) {
  Reason reason;
  reason.code = code;
  reason.severity = severity;
  reason.stage = stage;
  reason.text = std::move(text);
  return reason;
}

}  // namespace memsect
