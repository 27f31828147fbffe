// Kernel virtual memory made in a test: FakeMemory, mapped as a whole at one address.
#pragma once

#include <limits>
#include <memory>

#include "memory/address_space.h"
#include "support/fake_memory.h"

namespace memsect::test {

/// `start` is where physical address 0 is mapped; below it is nothing.
class ShiftedTranslator : public Translator {
 public:
  explicit ShiftedTranslator(VirtAddr start) : start_(start) {}
  Result<Mapping> mapping_at(VirtAddr at) const override {
    if (at < start_) return Mapping{at, start_ - at, std::nullopt};
    return Mapping{at, std::max<std::uint64_t>(std::numeric_limits<std::uint64_t>::max() - at.raw(), 1),
                   PhysAddr(at - start_)};
  }

 private:
  VirtAddr start_;
};

/// Written and read by virtual address.
class ShiftedMemory {
 public:
  explicit ShiftedMemory(VirtAddr start, std::uint64_t page_size = 4096)
      : start_(start),
        memory_(std::make_unique<FakeMemory>(ByteOrder::little, page_size)),
        translator_(std::make_unique<ShiftedTranslator>(start)) {}

  void write(VirtAddr at, Bytes bytes) { memory_->write(PhysAddr(at - start_), bytes); }
  void exclude(VirtRange range) { memory_->exclude({PhysAddr(range.start - start_), range.size}); }
  AddressSpace space() const { return {*memory_, *translator_}; }

 private:
  VirtAddr start_;
  std::unique_ptr<FakeMemory> memory_;
  std::unique_ptr<ShiftedTranslator> translator_;
};

}  // namespace memsect::test
