// Reads struct pages in full.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "base/result.h"
#include "memory/address_space.h"
#include "model/memory_model.h"
#include "model/page_details.h"
#include "page/page_layout.h"
#include "page/page_reader.h"
#include "page/page_types.h"

namespace memsect {

class Kernel;

/// Takes struct pages apart. Binds what it needs once. Copies its own AddressSpace: one per thread.
class PageDecoder {
 public:
  PageDecoder(const Kernel& kernel, const MemoryGeometry& geometry);

  /// The struct page of `pfn`; `not_in_dump` when no present section with a memmap covers it.
  Result<PageDetails> page(const MemoryModel& model, Pfn pfn) const;
  const PageReader& reader() const { return reader_; }

 private:
  struct Raw {
    VirtAddr address;
    std::vector<std::byte> bytes;
  };
  Result<void> bind(const Kernel& kernel);
  std::optional<VirtAddr> head_of(const Raw& page) const;
  Result<Raw> read(const MemoryModel& model, Pfn pfn) const;
  void decode_flags(const Raw& page, const std::optional<VirtAddr>& head, PageDetails& details) const;
  void decode_use(const Raw& page, const Raw& head, PageDetails& details) const;
  void find_free_block(const MemoryModel& model, Pfn pfn, PageDetails& details) const;
  bool has_flag(const Raw& page, std::string_view name) const;
  bool is_hugetlb(const Raw& head) const;
  std::string type_of(const Raw& head, const PageInfo& info) const;
  Result<unsigned> compound_order(VirtAddr head) const;

  PageReader reader_;
  AddressSpace space_;
  Result<void> usable_;
  std::uint64_t page_size_ = 0;
  PageLayout layout_;
  std::vector<PageFlag> flag_names_;
  std::optional<unsigned> zone_device_;
};

}  // namespace memsect
