// offline_pages() moves pages out again and again until none is left, or it is interrupted. It does not end where
//
//   a page has more references than migration expects     (get_user_pages, vmsplice)        maybe_gup_pinned
//   a page is under writeback and its device does not answer: folio_wait_writeback() cannot even be interrupted
//                                                                                           writeback
//   there is no room: do_migrate_range() asks all nodes with memory but the block's own, unless that is the only one
//                                                                                           no_room
//   a gigantic page of hugetlb is in use, and its pool has no free one on those nodes: alloc_migrate_hugetlb_folio() makes
//   none of that size                                                                       hugetlb_no_target
//
// And a notifier that is not one of the kernel's own may refuse by a rule of its own.
#include "analysis/offlining_hints.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/offlining_refusals.h"
#include "base/text.h"

namespace memsect {
namespace {

constexpr std::size_t most_devices = 5;

std::string pages_text(std::uint64_t count) { return count == 1 ? "1 page" : fmt::format("{} pages", count); }

Reason make_hint(std::string_view code, std::string text, std::uint64_t count) {
  Reason reason = make_reason(code, ReasonSeverity::hint, std::move(text), OfflineStage::never_ends);
  reason.count = count;
  return reason;
}

void add_pages(const MemoryModel& model, const std::vector<Pfn>& first, Reason& reason) {
  reason.first_pages = first;
  if (!first.empty()) reason.section = model.geometry.pfn_to_section_nr(first.front());
}

void add_pins(const MemoryModel& model, const PageScan& scan, std::vector<Reason>& reasons) {
  if (scan.pinned.pages == 0) return;
  const bool by_foll_pin = scan.foll_pin.pages > 0;
  Reason reason = make_hint(
      "maybe_gup_pinned",
      fmt::format(
          "{} of users have more references than mappings explain, or a count of pins{}: while something "
          "holds on to them (VFIO, RDMA, io_uring, vmsplice), offlining goes on trying to move them and "
          "does not fail",
          pages_text(scan.pinned.pages),
          by_foll_pin ? fmt::format(", {} of them by FOLL_PIN", scan.foll_pin.pages) : ""),
      scan.pinned.pages);
  add_pages(model, by_foll_pin ? scan.foll_pin.first : scan.pinned.first, reason);
  reasons.push_back(std::move(reason));
}

/// "vda (ext4) 120, swap 3".
std::string devices_text(const WritebackPages& writeback) {
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [name, pages] : writeback.by_device) sorted.emplace_back(pages, name);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (std::size_t i = 0; i < std::min(sorted.size(), most_devices); ++i)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", sorted[i].second, sorted[i].first);
  if (sorted.size() > most_devices) text += fmt::format(" and {} others", sorted.size() - most_devices);
  return text;
}

void add_writeback(const MemoryModel& model, const PageScan& scan, std::vector<Reason>& reasons) {
  const WritebackPages& writeback = scan.writeback;
  if (writeback.pages == 0) return;
  Reason reason = make_hint(
      "writeback",
      fmt::format(
          "{} being written to disk (PG_writeback): {}; offlining waits for each of them, and cannot be "
          "interrupted if the device does not answer",
          writeback.pages == 1 ? "1 page is" : fmt::format("{} pages are", writeback.pages),
          devices_text(writeback)),
      writeback.pages);
  add_pages(model, writeback.first, reason);
  reasons.push_back(std::move(reason));
}

/// The node of the unit's pages; nothing where they are of several.
std::optional<NodeId> node_of(const PageScan& scan) {
  return scan.nodes.size() == 1 ? std::optional(scan.nodes.front()) : std::nullopt;
}

/// Whether there is memory on another node than `own`.
bool has_other_node(const MigrationRoom& room, NodeId own) {
  return std::any_of(room.begin(), room.end(), [own](const auto& one) { return one.first != own; });
}

void add_no_room(const OfflineRules& rules, const PageScan& scan, const std::vector<std::string>& zone_names,
                 std::vector<Reason>& reasons) {
  const auto own = node_of(scan);
  if (!rules.room || !own) return;
  std::uint64_t pooled = 0;  // free huge pages need not move
  for (const HugePage& page : scan.huge_pages) pooled += page.in_use ? 0 : std::uint64_t{1} << page.order;
  if (scan.movable <= pooled) return;
  const std::uint64_t moving = scan.movable - pooled;
  const bool may_go_anywhere = scan.zones.size() == 1 && scan.zones.front() < zone_names.size() &&
                               zone_names[scan.zones.front()] == "Movable";
  const bool others = has_other_node(*rules.room, *own);
  std::uint64_t free = 0, file_pages = 0;
  for (const auto& [node, room] : *rules.room) {
    if (others && node == *own) continue;
    free += may_go_anywhere ? room.for_movable : room.for_others;
    file_pages += room.file_pages;
  }
  if (!others) {  // what is free in the unit itself is no target
    free -= std::min(free, scan.free);
    file_pages = 0;
  }
  if (moving <= free + file_pages) return;
  reasons.push_back(make_hint(
      "no_room",
      others ? fmt::format(
                   "{} to move to other nodes, which have {} free pages and {} of page cache that could be "
                   "dropped",
                   moving == 1 ? "1 page has" : fmt::format("{} pages have", moving), free, file_pages)
             : fmt::format("{} to move, and only {} are free elsewhere",
                           moving == 1 ? "1 page has" : fmt::format("{} pages have", moving), free),
      moving));
}

/// Free pages of a pool that a page in use could be moved to.
std::uint64_t targets_in(const PoolPages& pages, const MigrationRoom& room, NodeId own) {
  if (pages.pool->available() == 0) return 0;
  const bool others = has_other_node(room, own);
  std::uint64_t targets = 0;
  for (const auto& [node, free] : pages.pool->free_on) {
    if (others == (node != own)) targets += free;
  }
  if (!others) targets -= std::min<std::uint64_t>(targets, pages.free.size());
  return targets;
}

void add_gigantic(const MemoryModel& model, const OfflineRules& rules, const PageScan& scan,
                  std::vector<Reason>& reasons) {
  const auto own = node_of(scan);
  if (!rules.room || !own) return;
  for (const PoolPages& pages : pool_pages_in(rules, scan)) {
    if (pages.pool == nullptr || !pages.pool->gigantic || pages.in_use.empty()) continue;
    const std::uint64_t targets = targets_in(pages, *rules.room, *own);
    if (targets >= pages.in_use.size()) continue;
    const std::string size = human_size(model.geometry.page_size() << pages.order);
    Reason reason = make_hint(
        "hugetlb_no_target",
        fmt::format(
            "{} of {} in use {} to move to a free one on another node, of which {}: the kernel makes no page "
            "of that size, and goes on trying until it is interrupted",
            pages.in_use.size() == 1 ? "a huge page" : fmt::format("{} huge pages", pages.in_use.size()),
            size, pages.in_use.size() == 1 ? "has" : "have",
            targets == 0 ? std::string("there is none") : fmt::format("there are only {}", targets)),
        pages.in_use.size());
    add_pages(model, {pages.in_use.front()}, reason);
    reasons.push_back(std::move(reason));
  }
}

void add_notifiers(const OfflineRules& rules, std::vector<Reason>& reasons) {
  if (!rules.notifiers) return;
  std::string unknown;
  std::uint64_t count = 0;
  for (const MemoryNotifier& notifier : *rules.notifiers) {
    if (notifier.role != NotifierRole::refuses && notifier.role != NotifierRole::unknown) continue;
    ++count;
    unknown += (unknown.empty() ? "" : ", ") + notifier.name;
  }
  if (count == 0) return;
  reasons.push_back(
      make_hint("memory_notifier",
                fmt::format("before memory goes offline the kernel asks {} that may refuse (EPERM) by "
                            "a rule that memsect does not know: {}",
                            count == 1 ? "a notifier" : fmt::format("{} notifiers", count), unknown),
                count));
}

}  // namespace

void add_hints(const MemoryModel& model, const OfflineRules& rules, const OfflineUnit& unit,
               const PageScan& scan, const std::vector<std::string>& zone_names,
               std::vector<Reason>& reasons) {
  add_writeback(model, scan, reasons);
  add_pins(model, scan, reasons);
  if (unit.block != nullptr && unit.block->state.starts_with("going_")) {
    reasons.push_back(make_hint(
        "going_offline", fmt::format("{}: an operation on the block is in progress", unit.block->state), 0));
  }
  add_gigantic(model, rules, scan, reasons);
  add_no_room(rules, scan, zone_names, reasons);
  add_notifiers(rules, reasons);
}

}  // namespace memsect
