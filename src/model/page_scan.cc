#include "model/page_scan.h"

#include <array>

namespace memsect {

std::string_view page_use_name(PageUse use) {
  static constexpr std::array<std::string_view, 12> names{
      "free",     "movable", "poisoned",   "offline",   "offline_in_use", "device",
      "reserved", "slab",    "page_table", "lru_batch", "other",          "slab_unreferenced"};
  return names[static_cast<std::size_t>(use)];
}

}  // namespace memsect
