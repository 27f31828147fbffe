// What the kernel knows of one physical page: section, pageblock, node, zone, struct page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/position.h"
#include "base/result.h"
#include "model/memory_model.h"
#include "model/page_details.h"
#include "model/page_owner.h"

namespace memsect {

/// Where an address lies. What has no answer there carries the reason.
struct AddressFacts {
  Result<PhysAddr> phys = Error{Errc::not_applicable, "not asked for", {}};
  Result<VirtAddr> virt = Error{Errc::not_applicable, "not asked for", {}};
  Result<Pfn> pfn = Error{Errc::not_applicable, "not asked for", {}};
  const Section* section = nullptr;  ///< of the model; null where none is present
  Error no_section;                  ///< why there is none
  Result<std::uint64_t> subsection = Error{Errc::not_applicable, "not asked for", {}};  ///< of its section
  Result<std::uint64_t> pageblock = Error{Errc::not_applicable, "not asked for", {}};   ///< of its section
  Result<Pageblock> pageblock_state = Error{Errc::not_applicable, "not asked for", {}};
  Result<NodeId> node = Error{Errc::not_applicable, "not asked for", {}};
  Result<std::string> zone = Error{Errc::not_applicable, "not asked for", {}};
  Result<PageDetails> page = Error{Errc::not_applicable, "not asked for", {}};
  /// Who allocated the page, where the kernel notes it.
  Result<PageOwner> owner = Error{Errc::not_applicable, "not asked for", {}};
  /// The struct page is that of memory which is not online: what it says is old, or was never written.
  bool stale = false;
};

}  // namespace memsect
