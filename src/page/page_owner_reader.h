// Reads who allocated a page, where the kernel notes it: CONFIG_PAGE_OWNER, booted with page_owner=on.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "model/memory_model.h"
#include "model/page_owner.h"

namespace memsect {

class Kernel;

/// Reads struct page_owner. Binds what it needs once; for one thread.
class PageOwnerReader {
 public:
  explicit PageOwnerReader(const Kernel& kernel);
  PageOwnerReader(const PageOwnerReader&) = delete;
  PageOwnerReader& operator=(const PageOwnerReader&) = delete;
  ~PageOwnerReader();

  /// Whether this kernel keeps them; if not, owner_of() answers the same everywhere.
  bool usable() const;
  /// Who allocated `pfn`. `not_applicable` where the kernel does not know, or noted that the page is free.
  Result<PageOwner> owner_of(const MemoryModel& model, Pfn pfn) const;
  /// Reads the notes on all pages, and their stacks: for who records what is read.
  void read_all(const MemoryModel& model) const;
  /// The memory of the pools that stacks are kept in, ascending, as far as it can be found.
  std::vector<PhysRange> stack_pools() const;

 private:
  class Inside;
  std::unique_ptr<const Inside> inside_;
};

/// Says in words what the addresses of the stacks are: of all at once, since it takes a pass over all symbols.
void name_frames(const Kernel& kernel, std::span<PageOwner* const> owners);

}  // namespace memsect
