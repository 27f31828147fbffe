// `memsect addr`: what is at an address.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/objects_at.h"
#include "model/address_facts.h"
#include "render/report.h"

namespace memsect {

/// What was asked for, and what was found there.
struct AddrAnswer {
  std::string target;            ///< as typed
  std::string_view target_kind;  ///< "pfn", "section", ...
  AddressFacts facts;
  std::vector<ObjectAt> objects;
};

/// The columns, for --help and the manual.
std::span<const Column> addr_columns();

/// A table of keys and values, an object in JSON. The model must outlive the answer.
Report make_addr_report(const MemoryModel& model, const AddrAnswer& answer);

}  // namespace memsect
