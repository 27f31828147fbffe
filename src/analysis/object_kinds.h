// The kinds of objects that sections hold for others, each an entry of one table: how it is called, what holds for all of
// its kind, and the function that finds those of a model. Who lists, indexes or judges objects asks here.
//
// The rule of removal is here too, because three answers follow from it (removal_order.cc, offlining_pages.cc,
// plan_offlining): memory can go when nothing in it is needed any more. An object is freed when all whom it serves have
// gone. So it holds its memory
//
//     permanent                                       for ever: no kernel frees it
//     serves the memory it lies in                    for ever: that waits for the object, and the object for it
//     serves others                                   until they have gone; for ever if one of them never goes
//     struct pages that a block hosts itself          not at all: they are outside of what is put offline
//
// That holds for every kind. Page tables are freed when nothing is mapped by them (x86: remove_pte_table() and so on; of
// the levels that are never freed ArchDriver::kept_tables knows), a memory_block when its device is unregistered, a
// dev_pagemap by memunmap_pages(), page_ext and KASAN's shadow of hot-added memory when the subject has gone offline.
// Until then none of them can be moved.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "analysis/dependencies.h"
#include "base/position.h"
#include "model/memory_model.h"

namespace memsect {

/// An object that could be placed, and whom it serves.
struct PlacedObject {
  ObjectKind kind = ObjectKind::usage;
  std::uint64_t subject = 0;  ///< section number, node number, index of the root or of the device map
  VirtAddr address;           ///< 0 where it is not known
  std::uint64_t bytes = 0;
  SectionNr first;             ///< serves `sections` numbers from here on, present or not
  std::uint64_t sections = 0;  ///< 0: it serves `node`; a dev_pagemap: see for_each_served()
  NodeId node{};
  Allocation allocation = Allocation::unknown;
  bool permanent = false;  ///< the kernel never frees it when its subject goes
  bool whole = false;      ///< its stretches cover it without holes, from `address` on
};

struct ObjectVisitor {
  /// Each with the stretches of physical memory that it takes.
  std::function<void(const PlacedObject&, std::span<const PhysRange>)> placed;
  /// An object whose place could not be read; empty: nobody asks.
  std::function<void(ObjectKind, std::uint64_t subject, Errc)> unplaced;
};

struct ObjectKindFacts {
  ObjectKind kind{};
  std::string_view name{};         ///< in every output
  std::optional<EdgeKind> edge{};  ///< the need of the sections that it serves for those that hold it
  std::string_view kept{};  ///< "holds ... sections 0-3", of one that never goes; of nodes after "node 0's"
  std::string_view of{};    ///< the same of one that goes with its subject
  std::string_view unplaced{};  ///< "... could not be placed"
  bool numbers_roots = false;   ///< its subject is a root's number
  bool serves_nodes = false;
  bool always_listed = false;    ///< never left out as something that a section holds for itself
  bool mapped_by_pages = false;  ///< may be scattered, mapped in part, and share pages
  bool small_and_many = false;   ///< those of one section are listed as one
  bool has_runs = false;         ///< back-to-back ones are listed as one
  void (*visit)(const MemoryModel&, const ObjectVisitor&) = nullptr;
};

/// All kinds, in the order of ObjectKind.
std::span<const ObjectKindFacts> object_kinds();
const ObjectKindFacts& facts_of(ObjectKind kind);

/// Visits all objects of the model, kind by kind.
void visit_objects(const MemoryModel& model, const ObjectVisitor& visitor);

/// Calls `each` with every run of section numbers that the object serves: its first one, and how many.
void for_each_served(const MemoryModel& model, const PlacedObject& object,
                     const std::function<void(SectionNr, std::uint64_t)>& each);

/// Whether sections carry SECTION_IS_EARLY at all: from 5.3 on.
bool marks_early_sections(const MemoryModel& model);

/// Whether a section's usage came from memblock at boot: the kernel then keeps it for ever. Where the
/// allocation could not be told, an early section's counts as boot memory; before 5.3 no section is marked
/// early, and all do.
bool usage_is_from_boot(const Section& section, bool early_is_marked);

/// How long an object holds the memory it lies in.
enum class Hold { until_subjects_go, for_ever };
/// `serves_own`: it serves the unit of memory that it lies in, and is not hosted outside of what is put offline.
constexpr Hold hold_of(bool permanent, bool serves_own) {
  return permanent || serves_own ? Hold::for_ever : Hold::until_subjects_go;
}

}  // namespace memsect
