// Several places that know types as one: each fills the gaps of those before it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "types/type_source.h"

namespace memsect {

/// Opens a source when it is needed for the first time; called once at most.
using OpenTypes = std::function<Result<std::unique_ptr<TypeSource>>()>;

/// A source that is open already, as one that is still to be opened.
OpenTypes opens(std::unique_ptr<TypeSource> types);

/// Asks `first`, and what it does not know or cannot read, the others in their order. A source that settles that there
/// is no such type ends the search, and so does one that has the enum and not the enumerator. One that cannot be opened is
/// as good as none. Where nobody has an answer, and one of them failed, its failure is the answer: it is no proof that
/// the kernel lacks the type. Opens inside const calls: one thread at a time.
std::unique_ptr<TypeSource> make_type_chain(std::unique_ptr<TypeSource> first, std::vector<OpenTypes> others);

}  // namespace memsect
