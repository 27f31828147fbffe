// Type sources that can say that there is no such type, not only that they do not know it.
#pragma once

#include <string_view>

#include "types/type_source.h"

namespace memsect {

class SettlingTypes : public TypeSource {
 public:
  /// Whether `no_type` for this type, or enumerator of an enum without a name, is final: the source would know it if the
  /// kernel had it, and asking others is a waste.
  virtual bool settles(std::string_view name) const = 0;
  /// The same for a function.
  virtual bool settles_function(std::string_view) const { return false; }
};

}  // namespace memsect
