// Two places that know types as one: the second fills the gaps of the first.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "types/type_source.h"

namespace memsect {

/// Opens the second source when it is needed for the first time; called once at most.
using OpenTypes = std::function<Result<std::unique_ptr<TypeSource>>()>;

/// Asks `first`, and for structs and whole enums (enumerators_of) that it does not know the one that
/// `open_second` opens. Why not for single enumerators and functions: debug information without a struct may be
/// incomplete (cut down to a few units, or spread by LTO over units that do not name their source files); where
/// it has the structs it has the enums and functions beside them, and being asked for ones that this kernel
/// lacks is everyday business that must not cost reading a second source. A second source that cannot be
/// opened is as good as none. Opens inside const calls: one thread at a time.
std::unique_ptr<TypeSource> make_type_chain(std::unique_ptr<TypeSource> first, OpenTypes open_second);

}  // namespace memsect
