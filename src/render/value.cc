#include "render/value.h"

#include <algorithm>

namespace memsect {

bool Value::has_absence() const {
  if (const auto* absent = std::get_if<Absent>(&v_)) {
    return absent->reason != absence_reason(Errc::not_applicable);
  }
  if (const auto* list = std::get_if<List>(&v_)) {
    return std::any_of(list->begin(), list->end(), [](const Value& item) { return item.has_absence(); });
  }
  if (const auto* object = std::get_if<Object>(&v_)) {
    return std::any_of(object->begin(), object->end(),
                       [](const auto& member) { return member.second.has_absence(); });
  }
  return false;
}

}  // namespace memsect
