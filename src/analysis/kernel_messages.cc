// Replays check_usemap_section_nr(nid, usage), mm/sparse.c, on a dump.
//
// Linux 48c906823f39 ("memory hotplug: allocate usemap on the section with pgdat") (v2.6.27) brought the
// check, under CONFIG_MEMORY_HOTREMOVE; it is gone in 7.1. For each boot section, right before the section is
// initialised:
//
//   U = section of the first byte of its usage        P = section of the first byte of its node's pgdat
//   U == P                                   silence, and what is remembered stays
//   (U, P) is the pair remembered            silence
//   otherwise remember (U, P), and read the early node id of section U:
//     it is not this node                    "node N must be removed before remove section U"
//     it is                                  "Section U and P (node N) have a circular dependency ..."
//
// Four properties that a faithful replay has to share:
//
// - One pair is remembered for all nodes. "Nothing yet" is told by U being 0, so a pair whose U is section 0 is
//   forgotten again at the next call, and the line repeats for every section of the run.
// - Sections are set up in runs: maximal stretches of present sections with the same early node, in number order
//   (sparse_init). Nodes that alternate give several runs each.
// - The early node id is kept in section_mem_map, and is overwritten when the section is initialised. From 4.19 on
//   (Linux 2a3cb8baef71 ("mm/sparse: delete old sparse_init and enable new one")) earlier runs are
//   initialised by then, so for them the check reads the coded memmap address as a node. Almost always that
//   is no node's number, and a circle within one node is called "must be removed"; but without KASLR x86's
//   vmemmap starts at 0xffffea0000000000, whose bits that would be the node are zero. The replay computes
//   what the kernel read.
// - Only early sections are judged: hot-added ones came later.
//
// The early node id of a section is taken from the node of its first page, which memblock set from the same
// ranges.
#include "analysis/kernel_messages.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

#include "analysis/object_kinds.h"

namespace memsect {
namespace {

struct Release {
  unsigned major = 0, minor = 0, patch = 0;
  // clang-tidy 14 takes the comparison's 0 for a pointer.
  friend auto operator<=>(const Release&, const Release&) = default;  // NOLINT(modernize-use-nullptr)
};

/// "5.10.0-32-cloud-amd64" is 5.10.0. Nothing for a text that does not begin with two numbers.
std::optional<Release> parse_release(std::string_view text) {
  Release release;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](unsigned& value) {
    const auto [next, error] = std::from_chars(at, end, value);
    at = next;
    return error == std::errc();
  };
  const auto dot = [&] { return at != end && *at++ == '.'; };
  if (!number(release.major) || !dot() || !number(release.minor)) return std::nullopt;
  if (dot() && !number(release.patch)) release.patch = 0;
  return release;
}

constexpr Release first_with_check{2, 6, 27};
constexpr Release first_that_overwrites{4, 19, 0};
constexpr Release first_without_check{7, 1, 0};

/// SECTION_NID_SHIFT, and the flags that a boot section carries once it is initialised.
struct EarlyNodeCode {
  unsigned shift = 6;
  std::uint64_t flags = 0xf;
};

EarlyNodeCode early_node_code(const std::optional<Release>& release) {
  if (!release) return {};
  // SECTION_IS_EARLY came with 5.3; before, initialised boot sections are present, valid and online.
  if (*release < Release{5, 3, 0}) return {3, 0x7};
  // Linux 1f90a3477df3 (v5.12) added a flag bit but the node kept its place, until it was moved to bit 6
  // in 5.15.
  if (*release < Release{5, 15, 0}) return {3, 0xf};
  // From 6.0 on it is SECTION_MAP_LAST_BIT: 5, and 6 with SECTION_IS_VMEMMAP_PREINIT (6.15).
  if (*release >= Release{6, 0, 0} && *release < Release{6, 15, 0}) return {5, 0xf};
  return {6, 0xf};
}

/// One section of the replay: an early one with all that the check looks at.
struct BootSection {
  SectionNr nr;
  int node = 0;
  std::uint64_t usage_section = 0, pgdat_section = 0;
};

template <class T>
bool not_asked_for(const Result<T>& part) {
  return !part && part.error().code == Errc::not_applicable;
}

class Replay {
 public:
  explicit Replay(const MemoryModel& model)
      : model_(model),
        release_(parse_release(model.release)),
        code_(early_node_code(release_)),
        remembered_usage_(model.geometry.nr_mem_sections()),
        remembered_pgdat_(remembered_usage_) {}

  KernelMessages run() {
    collect();
    for (const BootSection& boot : boot_) check(boot);
    return std::move(messages_);
  }

 private:
  /// Before 5.3 nothing marks boot sections but their usages; one that cannot be read may be one of them.
  static bool is_early(const Section& section, bool early_is_marked) {
    return early_is_marked ? section.flags.early
                           : !section.usage || usage_is_from_boot(section, early_is_marked);
  }

  /// The boot sections in number order. Runs need no list: order is all that they change.
  void collect() {
    std::unordered_map<int, const Node*> nodes;
    for (const Node& node : model_.nodes) nodes[raw(node.id)] = &node;
    const bool early_is_marked = marks_early_sections(model_);
    for (const Section& section : model_.sections) {
      if (!is_early(section, early_is_marked) || not_asked_for(section.usage) || not_asked_for(section.node))
        continue;
      const auto node = section.node ? nodes.find(raw(*section.node)) : nodes.end();
      if (node != nodes.end() && not_asked_for(node->second->placement)) continue;
      if (node == nodes.end() || !placed(section.usage) || !placed(node->second->placement)) {
        messages_.skipped.push_back(section.nr);
        continue;
      }
      boot_.push_back({section.nr, raw(*section.node), first_section(*section.usage),
                       first_section(*node->second->placement)});
    }
  }

  static bool placed(const Result<Placement>& object) { return object && !object->phys.empty(); }
  std::uint64_t first_section(const Placement& object) const {
    return model_.geometry.phys_to_section_nr(object.first_phys()).raw();
  }

  void check(const BootSection& boot) {
    if (remembered_usage_ == 0) {
      remembered_usage_ = remembered_pgdat_ = model_.geometry.nr_mem_sections();
    }
    if (boot.usage_section == boot.pgdat_section) return;
    if (remembered_usage_ == boot.usage_section && remembered_pgdat_ == boot.pgdat_section) return;
    remembered_usage_ = boot.usage_section;
    remembered_pgdat_ = boot.pgdat_section;
    if (early_node_as_read(boot) != boot.node) {
      messages_.lines.push_back(
          fmt::format("node {} must be removed before remove section {}", boot.node, boot.usage_section));
    } else {
      messages_.lines.push_back(fmt::format(
          "Section {} and {} (node {}) have a circular dependency on usemap and pgdat allocations",
          boot.usage_section, boot.pgdat_section, boot.node));
    }
  }

  /// What sparse_early_nid() gives for the section of the usage while `boot` is being checked: an `int` cut
  /// from section_mem_map. Sections are initialised in number order, so lower ones are by then.
  int early_node_as_read(const BootSection& boot) const {
    const Section* section = model_.find_section(SectionNr(boot.usage_section));
    if (section == nullptr) return 0;  // section_mem_map of a section that is not there
    const bool overwrites = !release_ || *release_ >= first_that_overwrites;
    if (overwrites && section->nr < boot.nr) {
      const std::uint64_t word = section->coded_mem_map | code_.flags;
      return static_cast<int>(static_cast<std::uint32_t>(word >> code_.shift));
    }
    return section->node ? raw(*section->node) : 0;
  }

  const MemoryModel& model_;  // the caller's
  std::optional<Release> release_;
  EarlyNodeCode code_;
  std::vector<BootSection> boot_;
  std::uint64_t remembered_usage_, remembered_pgdat_;
  KernelMessages messages_;
};

}  // namespace

KernelMessages replay_kernel_messages(const MemoryModel& model) {
  if (model.hot_plug != HotPlug::full) return {};
  return Replay(model).run();
}

std::optional<bool> kernel_still_checks(const MemoryModel& model) {
  if (model.hot_plug != HotPlug::full) return false;
  const std::optional<Release> release = parse_release(model.release);
  if (!release) return std::nullopt;
  return *release >= first_with_check && *release < first_without_check;
}

}  // namespace memsect
