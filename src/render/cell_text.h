// A value as the text of one cell.
#pragma once

#include <string>

#include "render/value.h"

namespace memsect {

enum class Reader {
  person,  ///< tables: 128M, 0-5,8, yes
  machine  ///< csv, pairs, raw: 134217728, 0,1,2,3,4,5,8, 1
};

struct CellStyle {
  Reader reader = Reader::person;
  bool bytes = false;  ///< sizes as plain numbers for people too
};

/// `value` on one line, not escaped yet. null is empty, an absence is ? or, where the question does not
/// apply, -. Lists are separated by commas (strictly ascending numbers, for people, are ranges), or by
/// semicolons when they hold objects; objects are key=value, separated by commas.
std::string cell_text(const Value& value, const CellStyle& style);

}  // namespace memsect
