// A dump that remembers what was asked of it: what an extract of it has to hold.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/position.h"
#include "base/range_set.h"
#include "base/result.h"
#include "memory/physical_memory.h"

namespace memsect {

/// What was read, and what could not be: pages of 4 KiB, by the reason.
struct AccessRecord {
  RangeSet tables;  ///< read by the translator
  RangeSet data;    ///< read by everything else
  std::map<Errc, RangeSet> failed;
};

/// Hands reads on to `inner` and notes each view that was given out in `read`, each failure in `failed`. Owns
/// none of the three. One thread at a time, whatever PhysicalMemory promises.
class RecordingMemory final : public PhysicalMemory {
 public:
  RecordingMemory(const PhysicalMemory& inner, RangeSet& read, std::map<Errc, RangeSet>& failed)
      : inner_(inner), read_(read), failed_(failed) {}

  Result<std::vector<PhysRange>> ranges() const override { return inner_.ranges(); }
  Result<View> view(PhysAddr at, std::size_t want) const override {
    constexpr std::uint64_t page = 4096;  // the smallest there is
    auto view = inner_.view(at, want);
    if (view) {
      read_.add({at, view->bytes.size()});
    } else {
      failed_[view.error().code].add({PhysAddr(at.raw() / page * page), page});
    }
    return view;
  }

 private:
  const PhysicalMemory& inner_;
  RangeSet& read_;
  std::map<Errc, RangeSet>& failed_;
};

}  // namespace memsect
