// Cuts every object of the memory model at section boundaries and says which section holds what.
//
// A pointer's section is not the object's only section. A pgdat takes some 43 pages, a node's usages lie in
// one chunk that starts anywhere, a root need not be page aligned, and a memmap of base pages may be
// scattered:
//
//     section 2                        section 3
//   ..........|usage 0|usage 1|usage 2|.......................    one chunk in section 2: one HeldObject, of 0-2
//   .........................|  node 0's|pgdat   |............    two sections hold it: a HeldObject in each
//   |mm 4|mm 5|..............|mm 4|..........................     memmap 4 in both; in section 2 next to memmap 5
//
// The steps: place (each object -> parts, one for each section it touches), separate pages shared by several
// memmaps, sort, join neighbours. Back-to-back parts are joined where both the virtual and the physical
// addresses go on, for usages and memmaps only: they come in runs of thousands, and a run is what the kernel
// allocated. Pgdats and roots are few and stay apart.
//
// Pages shared by several memmaps come from the HugeTLB vmemmap optimisation: from 7.1 on all optimised huge
// pages of a zone map one tail page (mm/hugetlb_vmemmap.c). Such a page is one object that serves many
// sections.
//
// Permanent is what no kernel frees when the subject goes: the root table and the roots (sparse_index_alloc),
// pgdats (try_offline_node only clears the online bit) and usages from memblock (section_deactivate keeps
// them: PageReserved). Boot memmap is given back by x86, arm64 and the other machines read so far.
#include "analysis/holders.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>
#include <utility>

#include "analysis/words.h"

namespace memsect {
namespace {

/// What one section holds of one object.
struct Part {
  SectionNr section;
  ObjectKind kind = ObjectKind::usage;
  std::uint64_t subject = 0;  ///< section number, node number or index of the root
  std::optional<VirtAddr> address;
  PhysAddr phys;
  std::uint64_t bytes = 0;
  Allocation allocation = Allocation::unknown;
  bool permanent = false;
  bool contiguous = true;
};

struct PartOrder {
  bool operator()(const Part& a, const Part& b) const {
    if (a.section != b.section) return a.section < b.section;
    if (a.kind != b.kind) return a.kind < b.kind;
    if (a.phys != b.phys) return a.phys < b.phys;
    return std::tuple(a.bytes, a.subject) < std::tuple(b.bytes, b.subject);
  }
};

/// Collects the parts of all objects, and the names of those whose place is unknown.
class Placer {
 public:
  explicit Placer(const MemoryModel& model) : geometry_(model.geometry) {
    parts_.reserve(2 * model.sections.size());
    needs_.reserve(2 * model.sections.size());
  }

  /// Adds an object. `whole`: its physical stretches cover it without holes, so virtual addresses can be
  /// counted on.
  void place(const Part& object, std::span<const PhysRange> stretches, bool whole) {
    std::vector<Part>& pieces = pieces_;  // kept between calls: there are hundreds of thousands
    pieces.clear();
    std::uint64_t offset = 0;
    for (const PhysRange& stretch : stretches) {
      if (stretch.empty()) continue;
      if (!inside_physical_memory(stretch)) return unknown(object.kind, object.subject, Errc::corrupt);
      cut(object, stretch, whole ? std::optional(offset) : std::nullopt);
      offset += stretch.size;
    }
    if (pieces.empty()) return unknown(object.kind, object.subject, Errc::corrupt);
    gather(pieces);
    if (object.kind == ObjectKind::usage) note_needs(SectionNr(object.subject), EdgeKind::usage);
    if (object.kind == ObjectKind::memmap) note_needs(SectionNr(object.subject), EdgeKind::memmap);
  }

  void unknown(ObjectKind kind, std::uint64_t subject, Errc why) {
    if (why != Errc::not_applicable) unknown_[{kind, absence_reason(why)}].push_back(subject);
  }
  void node_unknown(SectionNr nr, Errc why) {
    if (why != Errc::not_applicable) nodeless_[absence_reason(why)].push_back(nr);
  }

  /// All parts in order.
  std::vector<Part> finish();
  std::vector<Need> take_needs() { return std::move(needs_); }
  void report_unknown(Survey& survey) const;

 private:
  bool inside_physical_memory(const PhysRange& stretch) const {
    const std::uint64_t last = stretch.end().raw() - 1;
    return last >= stretch.start.raw() &&
           geometry_.phys_to_section_nr(PhysAddr(last)).raw() < geometry_.nr_mem_sections();
  }

  /// Cuts one stretch at section boundaries.
  void cut(const Part& object, PhysRange stretch, std::optional<std::uint64_t> offset) {
    while (!stretch.empty()) {
      Part piece = object;
      piece.section = geometry_.phys_to_section_nr(stretch.start);
      piece.phys = stretch.start;
      piece.bytes = std::min(stretch.size, geometry_.section_range(piece.section).end() - stretch.start);
      piece.address = offset ? std::optional(*object.address + *offset) : std::nullopt;
      pieces_.push_back(piece);
      stretch = {stretch.start + piece.bytes, stretch.size - piece.bytes};
      if (offset) *offset += piece.bytes;
    }
  }

  /// Notes the other sections that the pieces lie in, each once: gather() has put them in order.
  void note_needs(SectionNr from, EdgeKind kind) {
    std::optional<SectionNr> last;
    for (const Part& piece : pieces_) {
      if (piece.section != from && piece.section != last) needs_.push_back({from, piece.section, kind});
      last = piece.section;
    }
  }

  void gather(std::vector<Part>& pieces);
  void separate_shared(std::span<Part> in_one_section);

  const MemoryGeometry& geometry_;  // the model's
  std::vector<Part> pieces_;
  std::vector<Part> parts_;
  std::vector<Need> needs_;
  std::vector<Part> loose_;  ///< stretches of scattered memmaps: some may be shared between sections
  std::map<std::pair<ObjectKind, std::string_view>, std::vector<std::uint64_t>> unknown_;
  std::map<std::string_view, std::vector<SectionNr>> nodeless_;
};

/// Joins sorted pieces of one object in one section: physically adjacent or overlapping ones become one.
void join_stretches(std::vector<Part>& pieces) {
  std::size_t kept = 0;
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    Part& last = pieces[kept];
    const Part& next = pieces[i];
    if (next.section == last.section && next.phys <= last.phys + last.bytes) {
      last.bytes = std::max(last.bytes, (next.phys - last.phys) + next.bytes);
      last.contiguous = last.contiguous && last.address && next.address &&
                        *next.address - *last.address == next.phys - last.phys;
      if (last.address && next.address) last.address = std::min(*last.address, *next.address);
    } else {
      pieces[++kept] = next;
    }
  }
  pieces.resize(kept + 1);
}

/// Makes one part out of all that one object has in one section (the pieces are sorted by physical address).
Part one_part(std::span<const Part> pieces) {
  Part part = pieces.front();
  for (const Part& piece : pieces.subspan(1)) {
    part.bytes += piece.bytes;
    part.contiguous = false;
    if (part.address && piece.address) part.address = std::min(*part.address, *piece.address);
  }
  return part;
}

/// Calls `each` with every stretch of `parts` that has the same key.
template <class Key, class Each>
void for_each_group(std::span<Part> parts, const Key& key, const Each& each) {
  for (std::size_t first = 0; first < parts.size();) {
    std::size_t end = first + 1;
    while (end < parts.size() && key(parts[end]) == key(parts[first])) ++end;
    each(parts.subspan(first, end - first));
    first = end;
  }
}

void Placer::gather(std::vector<Part>& pieces) {
  if (pieces.size() == 1) {
    parts_.push_back(pieces.front());
    return;
  }
  std::stable_sort(pieces.begin(), pieces.end(), PartOrder());
  const auto total = [&pieces] {
    std::uint64_t bytes = 0;
    for (const Part& piece : pieces) bytes += piece.bytes;
    return bytes;
  };
  const std::uint64_t mapped = total();
  join_stretches(pieces);
  const bool memmap = pieces.front().kind == ObjectKind::memmap;
  const bool maps_twice = total() != mapped;
  for_each_group(
      std::span(pieces), [](const Part& part) { return part.section; },
      [&](std::span<const Part> in_section) {
        if (memmap && (maps_twice || in_section.size() > 1)) {
          loose_.insert(loose_.end(), in_section.begin(), in_section.end());
        } else {
          parts_.push_back(one_part(in_section));
        }
      });
}

/// Splits overlapping stretches of different memmaps so that the common bytes become stretches of their own,
/// which are then alike in both; whatever only one section uses is put together again.
void Placer::separate_shared(std::span<Part> in_one_section) {
  std::vector<PhysAddr> cuts;
  PhysAddr reached;
  for (const Part& part : in_one_section) {
    if (part.phys < reached) {
      for (const Part& other : in_one_section) {
        cuts.push_back(other.phys);
        cuts.push_back(other.phys + other.bytes);
      }
      break;
    }
    reached = part.phys + part.bytes;
  }
  std::sort(cuts.begin(), cuts.end());
  std::vector<Part> pieces;
  for (Part part : in_one_section) {
    for (auto at = std::upper_bound(cuts.begin(), cuts.end(), part.phys);
         at != cuts.end() && *at < part.phys + part.bytes; at = std::upper_bound(at, cuts.end(), part.phys)) {
      Part head = part;
      head.bytes = *at - part.phys;
      pieces.push_back(head);
      part.phys += head.bytes;
      part.bytes -= head.bytes;
      if (part.address) *part.address += head.bytes;
    }
    pieces.push_back(part);
  }
  std::sort(pieces.begin(), pieces.end(), PartOrder());
  std::vector<Part> own;
  for_each_group(
      std::span(pieces), [](const Part& part) { return part.phys; },
      [&](std::span<const Part> alike) {
        std::vector<Part>& target = alike.size() > 1 ? parts_ : own;
        target.insert(target.end(), alike.begin(), alike.end());
      });
  std::stable_sort(own.begin(), own.end(),
                   [](const Part& a, const Part& b) { return a.subject < b.subject; });
  for_each_group(
      std::span(own), [](const Part& part) { return part.subject; },
      [&](std::span<Part> of_one) {
        std::vector<Part> joined(of_one.begin(), of_one.end());
        join_stretches(joined);
        parts_.push_back(one_part(joined));
      });
}

std::vector<Part> Placer::finish() {
  std::sort(loose_.begin(), loose_.end(), PartOrder());
  for_each_group(
      std::span(loose_), [](const Part& part) { return part.section; },
      [&](std::span<Part> in_section) { separate_shared(in_section); });
  loose_.clear();
  std::sort(parts_.begin(), parts_.end(), PartOrder());
  return std::move(parts_);
}

std::string unknown_text(ObjectKind kind, const std::vector<std::uint64_t>& subjects) {
  std::vector<SectionNr> sections;
  std::vector<NodeId> nodes;
  for (const std::uint64_t subject : subjects) {
    sections.emplace_back(subject);
    nodes.push_back(static_cast<NodeId>(subject));
  }
  switch (kind) {
    case ObjectKind::section_root_table:
      return "the section root table";
    case ObjectKind::section_root:
      return "section root " + order_text(sections);
    case ObjectKind::pgdat:
      return "the pgdat of " + nodes_text(nodes);
    case ObjectKind::usage:
      return "the usage of " + sections_text(sections);
    case ObjectKind::memmap:
      return "the memmap of " + sections_text(sections);
  }
  return {};
}

void Placer::report_unknown(Survey& survey) const {
  for (const auto& [what, subjects] : unknown_) {
    survey.incomplete = true;
    survey.notes.warn(fmt::format(
        "{} could not be placed ({}): what holds it is missing here, and with it perhaps a reason "
        "why a section cannot go",
        unknown_text(what.first, subjects), what.second));
  }
  for (const auto& [reason, sections] : nodeless_) {
    survey.incomplete = true;
    survey.notes.warn(
        fmt::format("the node of {} could not be read ({}): what it needs of its node is missing",
                    sections_text(sections), reason));
  }
}

void place_roots(const MemoryModel& model, Placer& placer) {
  Part object;
  object.permanent = true;
  object.kind = ObjectKind::section_root_table;
  if (model.root_table) {
    object.address = model.root_table->address;
    object.allocation = model.root_table->allocation;
    placer.place(object, model.root_table->phys, true);
  } else {
    placer.unknown(object.kind, 0, model.root_table.error().code);
  }
  object.kind = ObjectKind::section_root;
  for (const SectionRoot& root : model.roots) {
    object.subject = root.index;
    object.address = root.placement.address;
    object.allocation = root.placement.allocation;
    placer.place(object, root.placement.phys, true);
  }
}

void place_pgdats(const MemoryModel& model, Placer& placer) {
  for (const Node& node : model.nodes) {
    Part object;
    object.kind = ObjectKind::pgdat;
    object.permanent = true;
    object.subject = static_cast<std::uint64_t>(raw(node.id));
    if (!node.placement) {
      placer.unknown(object.kind, object.subject, node.placement.error().code);
      continue;
    }
    object.address = node.placement->address;
    object.allocation = node.placement->allocation;
    placer.place(object, node.placement->phys, true);
  }
}

void place_usage(const Section& section, bool from_boot, Placer& placer) {
  Part object;
  object.kind = ObjectKind::usage;
  object.subject = section.nr.raw();
  if (!section.usage) return placer.unknown(object.kind, object.subject, section.usage.error().code);
  object.address = section.usage->address;
  object.allocation = section.usage->allocation;
  object.permanent = from_boot;
  placer.place(object, section.usage->phys, true);
}

void place_memmap(const Section& section, Placer& placer) {
  Part object;
  object.kind = ObjectKind::memmap;
  object.subject = section.nr.raw();
  if (!section.memmap) return placer.unknown(object.kind, object.subject, section.memmap.error().code);
  object.address = section.memmap->address;
  object.allocation = section.memmap->allocation;
  std::uint64_t mapped = 0;
  for (const PhysRange& range : section.memmap->backing) mapped += range.size;
  if (mapped != 0) placer.place(object, section.memmap->backing, mapped == section.memmap->bytes);
}

/// Whom an object of this kind and subject serves.
void add_subject(const MemoryModel& model, const Part& part, HeldObject& object) {
  const auto add_sections = [&](std::uint64_t first, std::uint64_t count) {
    auto at = std::lower_bound(model.sections.begin(), model.sections.end(), SectionNr(first),
                               [](const Section& section, SectionNr nr) { return section.nr < nr; });
    for (; at != model.sections.end() && at->nr.raw() - first < count; ++at)
      object.of_sections.push_back(at->nr);
  };
  switch (part.kind) {
    case ObjectKind::section_root_table:
      return add_sections(0, ~std::uint64_t{0});
    case ObjectKind::section_root: {
      const std::uint64_t per_root = model.geometry.sections_per_root;
      return add_sections(part.subject * per_root, per_root);
    }
    case ObjectKind::pgdat:
      return object.of_nodes.push_back(static_cast<NodeId>(part.subject));
    case ObjectKind::usage:
    case ObjectKind::memmap:
      return object.of_sections.push_back(SectionNr(part.subject));
  }
}

/// Whether `next` goes on where `object`, so far, ends; or is the very same bytes, serving somebody else.
bool continues(const HeldObject& object, bool contiguous, const Part& next) {
  if (object.kind != next.kind || (next.kind != ObjectKind::usage && next.kind != ObjectKind::memmap))
    return false;
  if (object.allocation != next.allocation || object.permanent != next.permanent) return false;
  if (object.phys == next.phys && object.bytes == next.bytes) return true;
  return contiguous && next.contiguous && object.phys + object.bytes == next.phys && object.address &&
         next.address && *object.address + object.bytes == *next.address;
}

void append(const MemoryModel& model, std::span<const Part> parts, Holder& holder) {
  bool contiguous = false;
  for (const Part& part : parts) {
    if (holder.holds.empty() || !continues(holder.holds.back(), contiguous, part)) {
      holder.holds.push_back(
          {part.kind, {}, {}, part.address, part.phys, 0, part.allocation, part.permanent});
      contiguous = part.contiguous;
    }
    HeldObject& object = holder.holds.back();
    if (object.phys != part.phys || object.bytes == 0) object.bytes += part.bytes;
    add_subject(model, part, object);
  }
  for (HeldObject& object : holder.holds) {
    if (std::is_sorted(object.of_sections.begin(), object.of_sections.end(), std::less_equal<>())) continue;
    std::sort(object.of_sections.begin(), object.of_sections.end());
    object.of_sections.erase(std::unique(object.of_sections.begin(), object.of_sections.end()),
                             object.of_sections.end());
  }
}

}  // namespace

bool marks_early_sections(const MemoryModel& model) {
  return std::any_of(model.sections.begin(), model.sections.end(),
                     [](const Section& section) { return section.flags.early; });
}

bool usage_is_from_boot(const Section& section, bool early_is_marked) {
  if (!section.usage) return false;
  if (section.usage->allocation != Allocation::unknown) return section.usage->allocation == Allocation::boot;
  return section.flags.early || !early_is_marked;
}

bool serves_only_itself(const HeldObject& object, SectionNr holder) {
  return (object.kind == ObjectKind::usage || object.kind == ObjectKind::memmap) &&
         object.of_sections.size() == 1 && object.of_sections.front() == holder;
}

Survey survey_holders(const MemoryModel& model) {
  Survey survey;
  Placer placer(model);
  place_roots(model, placer);
  place_pgdats(model, placer);
  const bool early_is_marked = marks_early_sections(model);
  for (const Section& section : model.sections) {
    place_usage(section, usage_is_from_boot(section, early_is_marked), placer);
    place_memmap(section, placer);
    if (!section.node) placer.node_unknown(section.nr, section.node.error().code);
  }
  placer.report_unknown(survey);
  survey.needs = placer.take_needs();

  std::vector<Part> parts = placer.finish();
  std::vector<SectionNr> strangers;
  for_each_group(
      std::span(parts), [](const Part& part) { return part.section; },
      [&](std::span<const Part> held) {
        Holder holder;
        holder.section = held.front().section;
        const Section* section = model.find_section(holder.section);
        if (section == nullptr) strangers.push_back(holder.section);
        if (section != nullptr && section->node) holder.node = *section->node;
        append(model, held, holder);
        survey.holders.push_back(std::move(holder));
      });
  if (!strangers.empty()) {
    survey.notes.warn(fmt::format("metadata lies in {}, which the kernel does not list as present",
                                  sections_text(strangers)));
  }
  return survey;
}

}  // namespace memsect
