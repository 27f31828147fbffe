// Struct layouts out of DWARF entries.
#pragma once

#include "base/result.h"
#include "types/dwarf_die.h"
#include "types/type_source.h"

namespace memsect {

/// The layout of the struct or union at `definition`, its name and origin left to the caller. `order` is the program's.
/// `corrupt` when it makes no sense; what it takes in time and memory is bounded.
Result<StructLayout> read_struct_layout(const Die& definition, unsigned address_size, ByteOrder order);

}  // namespace memsect
