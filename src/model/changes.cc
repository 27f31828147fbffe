// A running kernel cannot be held still: no lock that a reader of /proc/kcore could take keeps memory from being plugged
// or onlined. But what hot-plug changes leaves marks that are cheap to read again:
//
//   struct mem_section   section_mem_map, usage   0 when the section goes; others when it is added anew
//   struct memory_block  address, state           of each block
//   struct zone          spans, present pages     and the sequence number of their lock (span_seqlock): counts up with
//                                                 each change, odd while one is going on
//
// Marks that are alike before and after the rest was read tell that nothing was plugged meanwhile (the way of a reader
// of a seqlock). What they cannot tell is memory that was taken away and added again at the same places within one look.
#include "model/changes.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "base/text.h"

namespace memsect {
namespace {

constexpr const char* why = "memory was plugged, unplugged, onlined or offlined while it was read";

Error in_flux() { return {Errc::in_flux, why, "try again"}; }

template <class T>
bool was_not_asked_for(const Result<T>& part) {
  return !part && part.error().code == Errc::not_applicable;
}

template <class T>
void mark(Result<T>& part) {
  if (!was_not_asked_for(part)) part = in_flux();
}

template <class T>
bool is_gap(const Result<T>& part) {
  return !part && part.error().code != Errc::not_applicable;
}

bool same_usage(const Section& a, const Section& b) {
  return !a.usage || !b.usage || a.usage->address == b.usage->address;
}

void compare_sections(const Section& a, const Section& b, MemoryChanges& changes) {
  if (a.flags.has_mem_map != b.flags.has_mem_map || a.coded_mem_map != b.coded_mem_map ||
      a.flags.early != b.flags.early || !same_usage(a, b)) {
    changes.plugged.insert(a.nr);
  }
  if (a.flags.online != b.flags.online) changes.onlined.insert(a.nr);
}

template <class T>
bool differ(const Result<T>& a, const Result<T>& b) {
  return a && b && *a != *b;
}

bool same_block(const MemoryBlock& a, const MemoryBlock& b) {
  return a.address == b.address && a.state == b.state && !differ(a.node, b.node) && !differ(a.zone, b.zone);
}

bool same_zone(const Zone& a, const Zone& b) {
  if (!a.numbers || !b.numbers) return a.numbers.has_value() == b.numbers.has_value();
  return a.start_pfn == b.start_pfn && a.spanned_pages == b.spanned_pages &&
         a.present_pages == b.present_pages && a.span_sequence == b.span_sequence && a.span_sequence % 2 == 0;
}

bool same_node(const Node& a, const Node& b) {
  if (a.pgdat != b.pgdat || a.zones.size() != b.zones.size()) return false;
  for (std::size_t i = 0; i < a.zones.size(); ++i) {
    if (!same_zone(a.zones[i], b.zones[i])) return false;
  }
  return true;
}

/// The keys that only one of the maps has, and those for which `same` says no.
template <class Key, class Value, class Same>
std::set<Key> keys_that_differ(const std::map<Key, const Value*>& before,
                               const std::map<Key, const Value*>& after, const Same& same) {
  std::set<Key> keys;
  for (const auto& [key, value] : before) {
    const auto other = after.find(key);
    if (other == after.end() || !same(*value, *other->second)) keys.insert(key);
  }
  for (const auto& [key, value] : after) {
    if (before.count(key) == 0) keys.insert(key);
  }
  return keys;
}

std::map<std::uint64_t, const MemoryBlock*> blocks_by_id(const std::vector<MemoryBlock>& blocks) {
  std::map<std::uint64_t, const MemoryBlock*> map;
  for (const MemoryBlock& block : blocks) map[block.id] = &block;
  return map;
}

std::map<NodeId, const Node*> nodes_by_id(const std::vector<Node>& nodes) {
  std::map<NodeId, const Node*> map;
  for (const Node& node : nodes) map[node.id] = &node;
  return map;
}

void mark_section(Section& section, bool plugged) {
  if (plugged) {
    mark(section.usage);
    mark(section.subsections);
    mark(section.memmap);
  }
  // These are read by what the section's state allows.
  mark(section.subsection_kinds);
  mark(section.pageblocks);
  mark(section.node);
  mark(section.zones);
  if (section.page_ext) mark(section.page_ext);
  if (section.kasan_shadow) mark(section.kasan_shadow);
}

void mark_node(Node& node) {
  for (Zone& zone : node.zones) {
    zone.numbers = in_flux();
    mark(zone.pageblocks);
  }
}

void warn(MemoryModel& model, const MemoryChanges& changes) {
  std::set<SectionNr> sections = changes.plugged;
  sections.insert(changes.onlined.begin(), changes.onlined.end());
  std::vector<std::uint64_t> numbers;
  numbers.reserve(sections.size());
  for (const SectionNr nr : sections) numbers.push_back(nr.raw());
  std::string what = numbers.empty() ? "" : fmt::format(" (sections {})", ranges(numbers));
  model.notes.warn(fmt::format("{}: what it touched is left out{}", why, what), "try again when it is done");
}

}  // namespace

void MemoryChanges::add(const MemoryChanges& other) {
  plugged.insert(other.plugged.begin(), other.plugged.end());
  onlined.insert(other.onlined.begin(), other.onlined.end());
  blocks.insert(other.blocks.begin(), other.blocks.end());
  nodes.insert(other.nodes.begin(), other.nodes.end());
}

MemoryChanges find_memory_changes(const MemoryModel& before, const MemoryModel& after) {
  MemoryChanges changes;
  for (const Section& section : before.sections) {
    if (const Section* other = after.find_section(section.nr)) {
      compare_sections(section, *other, changes);
    } else {
      changes.plugged.insert(section.nr);
    }
  }
  for (const Section& section : after.sections) {
    if (before.find_section(section.nr) == nullptr) changes.plugged.insert(section.nr);
  }
  if (before.blocks && after.blocks)
    changes.blocks = keys_that_differ(blocks_by_id(*before.blocks), blocks_by_id(*after.blocks), same_block);
  if (!before.nodes.empty() && !after.nodes.empty())
    changes.nodes = keys_that_differ(nodes_by_id(before.nodes), nodes_by_id(after.nodes), same_node);
  return changes;
}

void mark_in_flux(MemoryModel& model, const MemoryChanges& changes) {
  if (changes.empty()) return;
  for (Section& section : model.sections) {
    const bool plugged = changes.plugged.count(section.nr) != 0;
    if (plugged || changes.onlined.count(section.nr) != 0) mark_section(section, plugged);
  }
  if (model.blocks) {
    for (MemoryBlock& block : *model.blocks) {
      if (changes.blocks.count(block.id) == 0) continue;
      mark(block.zone);
      mark(block.altmap_pages);
    }
  }
  for (Node& node : model.nodes) {
    if (changes.nodes.count(node.id) != 0) mark_node(node);
  }
  warn(model, changes);
}

bool has_gaps(const MemoryModel& model) {
  if (model.incomplete || is_gap(model.blocks)) return true;
  for (const Section& section : model.sections) {
    if (is_gap(section.usage) || is_gap(section.subsections) || is_gap(section.subsection_kinds) ||
        is_gap(section.pageblocks) || is_gap(section.memmap) || is_gap(section.node) ||
        is_gap(section.zones) || is_gap(section.page_ext))
      return true;
  }
  for (const Node& node : model.nodes) {
    if (!node.numbers || is_gap(node.placement) || is_gap(node.on_node)) return true;
    for (const Zone& zone : node.zones) {
      if (!zone.numbers || is_gap(zone.pageblocks)) return true;
    }
  }
  return false;
}

}  // namespace memsect
