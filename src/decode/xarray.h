// The kernel's XArray (include/linux/xarray.h), walked from outside.
#pragma once

#include <cstdint>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "memory/address_space.h"
#include "types/type_source.h"

namespace memsect {

/// An entry of an xarray: its index and the pointer stored there.
struct XarrayEntry {
  std::uint64_t index = 0;
  VirtAddr pointer;
};

/// What a walk found, and what kept it from more.
struct XarrayContent {
  std::vector<XarrayEntry> entries;   ///< ascending by index
  std::vector<std::string> failures;  ///< nodes that could not be read or made no sense
  Errc why = Errc::corrupt;           ///< of the first failure
  bool assumed_layout = false;  ///< no source of types knows struct xa_node: read as it is in every release
};

/// The pointers stored in the `struct xarray` at `at`. Values, retries and siblings are left out. The walk is
/// bounded by the depth and the size of real trees: links that loop or join end up in `failures`.
Result<XarrayContent> walk_xarray(const AddressSpace& space, const TypeSource& types, VirtAddr at);

}  // namespace memsect
