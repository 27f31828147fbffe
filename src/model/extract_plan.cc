// An extract is planned by watching: each decoder runs once over a memory that notes what it reads
// (memory/recording_memory.h), so that what the commands need is known without a second list of it.
//
//   read by the translator    whole page tables: nothing but addresses of page tables and pages is in them
//   read by the decoders      these bytes alone; the rest of the page is zeroed when it is written
//   objects of the model      roots, their table, usages, pgdats and memmaps as a whole
//   BTF and kallsyms          so that the extract can be read without a vmlinux
//
// A pointer in a damaged kernel may lead anywhere. So each page of wanted data is held against its own struct
// page, and one that is free, page cache or anonymous memory is left out.
#include "model/extract_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/byte_order.h"
#include "kernel/kernel.h"
#include "memory/recording_memory.h"
#include "model/loader.h"
#include "model/page_decoder.h"

namespace memsect {
namespace {

constexpr ModelParts all_parts{.usages = true,
                               .memmap = true,
                               .section_nodes = true,
                               .section_zones = true,
                               .nodes = true,
                               .zone_pageblocks = true,
                               .blocks = true,
                               .subsection_kinds = true};

// The tables of scripts/kallsyms.c. Their order has changed (6.4, 7.0), that they lie together has not.
constexpr std::array<std::string_view, 9> kallsyms_tables = {
    "kallsyms_num_syms",    "kallsyms_names",         "kallsyms_markers",
    "kallsyms_token_table", "kallsyms_token_index",   "kallsyms_offsets",
    "kallsyms_addresses",   "kallsyms_relative_base", "kallsyms_seqs_of_names"};
// allyesconfig has some 20 MB of either.
constexpr std::uint64_t largest_tables = std::uint64_t{64} << 20;
constexpr std::uint64_t largest_kallsyms_entry = 8;  // kallsyms_addresses

void take(RangeSet& set, const std::vector<PhysRange>& ranges) {
  for (const PhysRange& range : ranges) set.add(range);
}

/// Takes what of [start, end) is mapped.
void take_virtual(RangeSet& set, const AddressSpace& space, VirtAddr start, std::uint64_t size) {
  if (const auto ranges = space.mapped_ranges(start, size)) take(set, *ranges);
}

RangeSet btf_ranges(const Kernel& kernel) {
  RangeSet set;
  const auto start = kernel.address_of("__start_BTF");
  const auto stop = kernel.address_of("__stop_BTF");
  if (start && stop && *stop - *start <= largest_tables) {
    take_virtual(set, kernel.space(), *start, *stop - *start);
  }
  return set;
}

/// From the first table to behind the last, of which only the number of its entries is known.
RangeSet kallsyms_ranges(const Kernel& kernel) {
  RangeSet set;
  std::optional<VirtAddr> first, last;
  for (const std::string_view name : kallsyms_tables) {
    const auto at = kernel.address_of(name);
    if (!at) continue;
    first = std::min(first.value_or(*at), *at);
    last = std::max(last.value_or(*at), *at);
  }
  const auto count_at = kernel.address_of("kallsyms_num_syms");
  std::array<std::byte, 4> bytes{};
  if (!count_at || !kernel.space().read(*count_at, bytes)) return set;
  const std::uint64_t behind = load_unsigned(bytes, kernel.order()) * largest_kallsyms_entry;
  if (*last - *first + behind <= largest_tables) {
    take_virtual(set, kernel.space(), *first, *last - *first + behind);
  }
  return set;
}

/// Walks the page tables that map [at, end), so that they get into the record.
void walk_tables(const Kernel& kernel, VirtAddr at, VirtAddr end) {
  while (at < end) {
    const auto mapping = kernel.arch_memory().translator->table_mapping_at(at);
    const std::uint64_t size = mapping ? mapping->size : kernel.page_size();
    if (size >= end - at) return;
    at += size;
  }
}

/// The page tables of the kernel image, which memsect itself has no need of: crash and drgn go through them to
/// every symbol. And those of the direct map of all memory.
void walk_known_tables(const Kernel& kernel, const MemoryModel& model) {
  constexpr std::uint64_t largest_image = std::uint64_t{1} << 30;
  const auto start = kernel.address_of("_text");
  const auto end = kernel.address_of("_end");
  if (start && end && *end - *start <= largest_image) walk_tables(kernel, *start, *end);
  const auto direct_map = kernel.arch_memory().page_offset;
  if (!direct_map) return;
  for (const Section& section : model.sections) {
    const PhysRange range = model.geometry.section_range(section.nr);
    walk_tables(kernel, *direct_map + range.start.raw(), *direct_map + range.end().raw());
  }
}

/// Takes things kind by kind and counts what each adds.
class Taker {
 public:
  explicit Taker(ExtractPlan& plan) : plan_(plan) {}
  void add(std::string_view kind, const RangeSet& set) {
    const std::uint64_t before = plan_.wanted.bytes();
    plan_.wanted.add(set);
    const std::uint64_t added = plan_.wanted.bytes() - before;
    if (added > 0) plan_.taken.push_back({kind, added});
  }

 private:
  ExtractPlan& plan_;
};

/// The page tables that were walked, each as a whole.
RangeSet whole_pages(const RangeSet& read, std::uint64_t page_size) {
  RangeSet pages;
  for (const PhysRange& range : read.ranges()) {
    const std::uint64_t start = range.start.raw() / page_size * page_size;
    const std::uint64_t end = (range.end().raw() + page_size - 1) / page_size * page_size;
    pages.add({PhysAddr(start), end - start});
  }
  return pages;
}

void take_objects(const MemoryModel& model, Taker& taker) {
  RangeSet table, roots, usages, pgdats, memmaps;
  if (model.root_table) take(table, model.root_table->phys);
  for (const SectionRoot& root : model.roots) take(roots, root.placement.phys);
  for (const Section& section : model.sections) {
    if (section.usage) take(usages, section.usage->phys);
    if (section.memmap) take(memmaps, section.memmap->backing);
  }
  for (const Node& node : model.nodes) {
    if (node.placement) take(pgdats, node.placement->phys);
  }
  taker.add("section_root_table", table);
  taker.add("section_root", roots);
  taker.add("usage", usages);
  taker.add("pgdat", pgdats);
  taker.add("memmap", memmaps);
}

/// Whether the kernel uses the page for itself, by what its struct page says.
bool is_kernels_own(const PageDetails& page, std::int64_t references) {
  constexpr std::array<std::string_view, 5> own = {"reserved", "slab", "table", "large_kmalloc", "kmemcg"};
  if (std::find(own.begin(), own.end(), page.type) != own.end()) return true;
  const auto& flags = page.flag_names;
  const bool on_lru_list = std::find(flags.begin(), flags.end(), "lru") != flags.end();
  // Pages free in per-CPU lists bear no mark and have no references.
  return page.type == "none" && references > 0 && !on_lru_list;
}

/// Struct pages of memory that is not online are stale and say nothing; what is wanted there is memmap that
/// the memory hosts itself.
bool holds_data_of_others(const MemoryModel& model, const PageDecoder& pages, PhysAddr at) {
  const Section* section = model.find_section(model.geometry.phys_to_section_nr(at));
  if (section == nullptr || !section->flags.online) return false;
  const auto page = pages.page(model, model.geometry.phys_to_pfn(at));
  if (!page) return false;
  const bool tail = page->compound == Compound::tail && page->head;
  const auto head = tail ? pages.page(model, *page->head) : page;
  return head && !is_kernels_own(*head, head->refcount);
}

/// Looks at each slab page as `addr` does, for the cache it belongs to.
void visit_slab_pages(const MemoryModel& model, const PageDecoder& pages) {
  const PageReader& reader = pages.reader();
  for (const Section& section : model.sections) {
    if (!section.flags.has_mem_map) continue;
    const Pfn first = model.geometry.section_nr_to_pfn(section.nr);
    for (std::uint64_t i = 0; i < model.geometry.pages_per_section(); ++i) {
      const auto at = reader.address_of(model, first + i);
      const auto bytes = at ? reader.read(*at) : Result<std::vector<std::byte>>(at.error());
      if (!bytes || !reader.decode(*bytes).slab) continue;
      static_cast<void>(pages.page(model, first + i));  // the record keeps what it read
    }
  }
}

/// What of the data is not in `plan` yet, without the pages that must not leave. Objects of the model that are
/// in the plan are known by the many things that agree on where they are.
RangeSet without_private_pages(const RangeSet& data, const MemoryModel& model, const PageDecoder& pages,
                               ExtractPlan& plan) {
  const std::uint64_t page_size = model.geometry.page_size();
  RangeSet allowed;
  for (const PhysRange& range : data.ranges()) {
    for (PhysAddr at = range.start; at < range.end();) {
      const PhysAddr page_end(at.raw() / page_size * page_size + page_size);
      const PhysAddr end = std::min(page_end, range.end());
      const auto known = plan.wanted.within({at, end - at});
      const bool all_known = known.size() == 1 && known.front().size == end - at;
      if (!all_known && holds_data_of_others(model, pages, at)) {
        ++plan.refused_pages;
      } else if (!all_known) {
        allowed.add({at, end - at});
      }
      at = end;
    }
  }
  return allowed;
}

/// Reads what is wanted once: the memory notes what cannot be had of the objects that were taken as a whole.
void try_to_read(const Kernel& kernel, const RangeSet& wanted) {
  constexpr std::uint64_t at_once = std::uint64_t{64} << 10;
  const PhysicalMemory& memory = kernel.space().memory();
  for (const PhysRange& range : wanted.ranges()) {
    for (PhysAddr at = range.start; at < range.end();) {
      const auto view = memory.view(at, static_cast<std::size_t>(std::min(at_once, range.end() - at)));
      const std::uint64_t to_next_page = kernel.page_size() - at.raw() % kernel.page_size();
      at += view ? view->bytes.size() : std::min(to_next_page, range.end() - at);
    }
  }
}

/// How the pages of the present sections appear in the extract.
class PageRuns {
 public:
  PageRuns(const ExtractPlan& plan, const AccessRecord& record, std::uint64_t page_size)
      : plan_(plan), page_size_(page_size) {
    for (const auto& [at, reason] : record.failed) failed_.emplace(at.raw() / page_size, reason);
  }

  /// Lists the pages of [first, first + count): stretches without wanted bytes and failures in one piece.
  void list(Pfn first, std::uint64_t count) {
    const PhysRange all{PhysAddr(first.raw() * page_size_), count * page_size_};
    std::uint64_t pfn = first.raw();
    const auto list_up_to = [&](std::uint64_t end, PageRun::State state) {
      for (auto failed = failed_.lower_bound(pfn); pfn < end; failed = failed_.lower_bound(pfn)) {
        const bool is_failed = failed != failed_.end() && failed->first == pfn;
        const std::uint64_t next = failed == failed_.end() ? end : std::min(end, failed->first);
        if (is_failed) {
          append_failed(Pfn(pfn), failed->second);
          ++pfn;
        } else {
          append(state, Pfn(pfn), next - pfn);
          pfn = next;
        }
      }
    };
    for (const PhysRange& wanted : plan_.wanted.within(all)) {
      list_up_to(wanted.start.raw() / page_size_, PageRun::State::filtered);
      list_up_to((wanted.end().raw() + page_size_ - 1) / page_size_, PageRun::State::stored);
    }
    list_up_to(first.raw() + count, PageRun::State::filtered);
  }
  std::vector<PageRun> take() { return std::move(runs_); }

 private:
  void append(PageRun::State state, Pfn first, std::uint64_t count) {
    if (count == 0) return;
    if (!runs_.empty() && runs_.back().state == state && runs_.back().first + runs_.back().count == first) {
      runs_.back().count += count;
    } else {
      runs_.push_back({state, first, count});
    }
  }
  void append_failed(Pfn pfn, Errc reason) {
    if (reason == Errc::not_in_dump) return;
    append(reason == Errc::excluded ? PageRun::State::filtered : PageRun::State::lost, pfn, 1);
  }

  const ExtractPlan& plan_;
  std::uint64_t page_size_;
  std::map<std::uint64_t, Errc> failed_;  // by pfn
  std::vector<PageRun> runs_;
};

/// The pages of the present sections, and of what is wanted outside of them.
std::vector<PageRun> list_pages(const ExtractPlan& plan, const AccessRecord& record,
                                const MemoryModel& model) {
  const std::uint64_t page_size = model.geometry.page_size();
  RangeSet all = whole_pages(plan.wanted, page_size);
  for (const Section& section : model.sections) all.add(model.geometry.section_range(section.nr));
  PageRuns runs(plan, record, page_size);
  for (const PhysRange& range : all.ranges()) {
    runs.list(model.geometry.phys_to_pfn(range.start), range.size / page_size);
  }
  return runs.take();
}

}  // namespace

Result<ExtractPlan> plan_extract(const Kernel& kernel, const AccessRecord& record,
                                 const ExtractChoice& choice) {
  auto model = load_model(kernel, all_parts);
  if (!model) return std::move(model).error();
  const PageDecoder pages(kernel, model->geometry);
  visit_slab_pages(*model, pages);

  ExtractPlan plan;
  plan.notes = model->notes;
  plan.incomplete = model->incomplete;
  Taker taker(plan);
  take_objects(*model, taker);
  if (choice.types) {
    taker.add("btf", btf_ranges(kernel));
    taker.add("kallsyms", kallsyms_ranges(kernel));
  }
  walk_known_tables(kernel, *model);
  const RangeSet data = record.data;  // a copy: looking at struct pages reads on
  const RangeSet allowed = without_private_pages(data, *model, pages, plan);
  taker.add("page_table", whole_pages(record.tables, model->geometry.page_size()));
  taker.add("other_kernel_data", allowed);
  if (plan.refused_pages > 0) {
    plan.notes.warn(
        fmt::format("{} pages that pointers of this kernel lead to are free, page cache or anonymous "
                    "memory: left out",
                    plan.refused_pages));
  }
  try_to_read(kernel, plan.wanted);
  plan.pages = list_pages(plan, record, *model);
  return plan;
}

}  // namespace memsect
