// Who holds whose metadata, and what follows from it. Pure functions of the model.
//
// Vertices are sections and nodes. A section needs the sections that hold its usage, its memmap and its page_ext,
// and its node; a node needs the sections that hold its pgdat. Removing what others need first is impossible, so a
// circle of needs can never be taken apart: from 2.6.27 to 7.0 the kernel warned of one kind of circle at
// boot (kernel_messages.h).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.h"
#include "model/memory_model.h"

namespace memsect {

/// What a section can hold for others.
enum class ObjectKind {
  section_root_table,
  section_root,
  pgdat,
  usage,
  memmap,
  page_ext,
  memory_block,
  vmemmap_table,     ///< page tables that map the struct pages of sections
  direct_map_table,  ///< page tables that map the memory of sections
  kasan_shadow,
  dev_pagemap,
  vmemmap_tail,  ///< a page that a zone keeps for the struct pages of huge pages to come; mapped ones are memmap
};
std::string_view object_kind_name(ObjectKind kind);

/// One object, or a run of back-to-back ones of one kind, as far as it lies in one section.
struct HeldObject {
  ObjectKind kind = ObjectKind::usage;
  std::vector<SectionNr> of_sections;  ///< whom it serves, ascending
  std::vector<NodeId> of_nodes;
  /// Of its first byte in this section. Absent for a memmap or a shadow that is mapped only in part: the model does not
  /// say where its holes are.
  std::optional<VirtAddr> address;
  PhysAddr phys;  ///< of its lowest byte in this section
  /// In this section, each physical byte once. A memmap of base pages may lie scattered; memory blocks and page
  /// tables do.
  std::uint64_t bytes = 0;
  Allocation allocation = Allocation::unknown;
  bool permanent = false;  ///< the kernel never frees it when its subject goes
};

struct Holder {
  SectionNr section;
  std::optional<NodeId> node;
  std::vector<HeldObject> holds;  ///< by kind, then physical address
  std::uint64_t bytes() const;
};

struct Vertex {
  enum class Kind { section, node } kind = Kind::section;
  std::uint64_t number = 0;
  // clang-tidy 14 takes the comparison's 0 for a pointer.
  friend auto operator<=>(const Vertex&, const Vertex&) = default;  // NOLINT(modernize-use-nullptr)
};
/// "section 3", "node 0".
std::string vertex_name(Vertex vertex);

/// The last five are no edges of the graph that is shown and searched for cycles, but weigh in the order of removal.
enum class EdgeKind {
  usage,
  memmap,
  page_ext,
  node,
  pgdat,
  memory_block,
  vmemmap_table,
  direct_map_table,
  kasan_shadow,
  dev_pagemap
};
inline constexpr std::array<EdgeKind, 10> edge_kinds{
    EdgeKind::usage,        EdgeKind::memmap,       EdgeKind::page_ext,      EdgeKind::node,
    EdgeKind::pgdat,        EdgeKind::memory_block, EdgeKind::vmemmap_table, EdgeKind::direct_map_table,
    EdgeKind::kasan_shadow, EdgeKind::dev_pagemap};
std::string_view edge_kind_name(EdgeKind kind);

/// A set of edge kinds. Iterate with `for (EdgeKind kind : edge_kinds) if (kinds.has(kind))`.
class EdgeKinds {
 public:
  constexpr EdgeKinds() = default;
  constexpr EdgeKinds(EdgeKind kind) : bits_(1U << static_cast<unsigned>(kind)) {}
  constexpr bool has(EdgeKind kind) const { return overlaps(kind); }
  constexpr bool overlaps(EdgeKinds other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr EdgeKinds operator|(EdgeKinds a, EdgeKinds b) { return EdgeKinds(a.bits_ | b.bits_); }
  friend constexpr EdgeKinds operator&(EdgeKinds a, EdgeKinds b) { return EdgeKinds(a.bits_ & b.bits_); }
  friend constexpr bool operator==(EdgeKinds, EdgeKinds) = default;

 private:
  constexpr explicit EdgeKinds(unsigned bits) : bits_(bits) {}
  unsigned bits_ = 0;
};
constexpr EdgeKinds operator|(EdgeKind a, EdgeKind b) { return EdgeKinds(a) | EdgeKinds(b); }
inline constexpr EdgeKinds shown_edges =
    EdgeKind::usage | EdgeKind::memmap | EdgeKind::page_ext | EdgeKind::node | EdgeKind::pgdat;
/// "usage, pgdat".
std::string edge_kinds_text(EdgeKinds kinds);

/// `from` needs `to`. Nothing is said of what a section or node needs of itself.
struct Edge {
  Vertex from, to;
  EdgeKinds kinds;
};

/// Sections that need one another in a circle: a strongly connected component with at least two sections.
struct Cycle {
  std::vector<SectionNr> sections;
  std::vector<NodeId> nodes;
  EdgeKinds kinds;       ///< of the edges inside it
  std::string example;   ///< one short circle through at least two of its sections, in words
  bool classic = false;  ///< usage and pgdat alone close it: what the kernel's message meant
  bool permanent_anyway =
      false;  ///< a member holds a permanent object, so it stays with or without the circle
};

struct NeverRemovable {
  SectionNr section;
  std::string because;
};

struct Dependencies {
  std::vector<Holder> holders;  ///< heaviest first
  std::vector<Edge> edges;      ///< by from, then to
  std::vector<Cycle> cycles;    ///< classic ones first
  std::vector<std::string> kernel_messages;
  std::vector<SectionNr> removal_order;  ///< dependents first; highest number first where the order is free
  /// Why there is no order to give: what keeps a section, or is needed of it, could not be placed. Any section may hold it.
  std::optional<Error> order_unknown;
  std::vector<NeverRemovable> never;  ///< ascending
  bool incomplete = false;            ///< an object's place could not be read: something may be missing
  Notes notes;
};

struct DependencyOptions {
  bool self = false;  ///< list usages, memmaps and the like that serve only the very section they lie in, too
};

/// Everything above, in time linear in the number of objects (up to sorting). Never fails: what could not be
/// read leaves a note and `incomplete`.
Dependencies find_dependencies(const MemoryModel& model, const DependencyOptions& options);

}  // namespace memsect
