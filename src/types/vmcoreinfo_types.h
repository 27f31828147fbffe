// The few types that VMCOREINFO describes: sizes and offsets, for kernels of which nothing else is at hand.
#pragma once

#include <memory>

#include "memory/vmcoreinfo.h"
#include "types/type_source.h"

namespace memsect {

/// A source of the structs with a SIZE() in `info`; their members are those with an OFFSET() whose width is the same in
/// every kernel. It knows no enums and no functions. `info` is copied. `word_size` is 4 or 8.
std::unique_ptr<TypeSource> make_vmcoreinfo_types(const Vmcoreinfo& info, unsigned word_size,
                                                  ByteOrder order);

}  // namespace memsect
