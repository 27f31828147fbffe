// What people hand in besides dumps, by its first bytes: files that are named in the error, with the way to a dump.
#pragma once

#include <string_view>

#include "base/view.h"

namespace memsect {

struct KnownContainer {
  std::string_view what;  ///< "is a hibernation image"
  std::string_view hint;  ///< how a dump is had from it; never empty
};

/// What a file that begins with `head` is, null when it is none of these. `head` should have sniff_size bytes, fewer when
/// the file is shorter.
const KnownContainer* known_container(Bytes head);

}  // namespace memsect
