// Migrate types by the kernel's names: their values depend on release and configuration.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "model/memory_model.h"

namespace memsect {

/// The value of the migrate type of that name; nothing where this kernel has none of it.
inline std::optional<std::size_t> find_migratetype(const MemoryModel& model, std::string_view name) {
  const auto& names = model.migratetypes;
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<std::size_t>(at - names.begin());
}

}  // namespace memsect
