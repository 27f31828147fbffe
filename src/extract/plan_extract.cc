// An extract is planned by watching: each decoder runs once over a memory that notes what it reads
// (memory/recording_memory.h), so that what the commands need is known without a second list of it.
//
//   read by the decoders      these bytes alone; the rest of the page is zeroed when it is written
//   read by the translator    these entries; the whole table where its page is known to be one
//   objects of the model      roots, their table, usages, pgdats and memmaps as a whole
//   BTF and kallsyms          of the kernel image, so that other tools need no vmlinux
//
// A pointer or a page table of a damaged kernel may lead anywhere. So every page outside the kernel image is
// held against its own struct page, and what is not the kernel's own - free, page cache, anonymous, mapped -
// is left out, whatever it was wanted for. Where the filter took the struct page away, it kept the page on
// purpose (makedumpfile -e leaves out the struct pages of filtered pages alone).
#include "extract/plan_extract.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/byte_order.h"
#include "decode/steps.h"
#include "kernel/kernel.h"
#include "memory/recording_memory.h"
#include "offlining/offline_rules.h"
#include "page/page_decoder.h"
#include "page/page_owner_reader.h"
#include "page/page_scanner.h"

namespace memsect {
namespace {

constexpr ModelParts all_parts{.usages = true,
                               .memmap = true,
                               .section_nodes = true,
                               .section_zones = true,
                               .nodes = true,
                               .zone_pageblocks = true,
                               .blocks = true,
                               .other_metadata = true,
                               .subsection_kinds = true};

// allyesconfig has some 20 MB of either.
constexpr std::uint64_t largest_tables = std::uint64_t{64} << 20;
constexpr std::uint64_t largest_image = std::uint64_t{1} << 30;

void take(RangeSet& set, const std::vector<PhysRange>& ranges) {
  for (const PhysRange& range : ranges) set.add(range);
}

/// Physical bytes of the kernel image, empty when its symbols are not known.
PhysRange image_range(const Kernel& kernel) {
  const auto start = kernel.address_of("_text");
  const auto end = kernel.address_of("_end");
  if (!start || !end || *end - *start > largest_image) return {};
  const auto phys = kernel.space().translate(*start);
  return phys ? PhysRange{*phys, *end - *start} : PhysRange{};
}

/// Takes what of [start, end) is mapped to the kernel image.
RangeSet take_of_image(const Kernel& kernel, VirtAddr start, std::uint64_t size) {
  RangeSet set;
  const PhysRange image = image_range(kernel);
  const auto ranges = kernel.space().mapped_ranges(start, size);
  if (!ranges) return set;
  for (const PhysRange& range : *ranges) {
    if (image.contains(range.start) && image.contains(range.end() - 1)) set.add(range);
  }
  return set;
}

RangeSet btf_ranges(const Kernel& kernel) {
  constexpr std::uint64_t magic = 0xeb9f;
  const auto start = kernel.address_of("__start_BTF");
  const auto stop = kernel.address_of("__stop_BTF");
  std::array<std::byte, 2> head{};
  if (!start || !stop || *stop - *start > largest_tables || !kernel.space().read(*start, head)) return {};
  if (load_unsigned(head, kernel.order()) != magic) return {};
  return take_of_image(kernel, *start, *stop - *start);
}

/// Whatever of its tables lies in the image.
RangeSet kallsyms_ranges(const Kernel& kernel) {
  RangeSet set;
  const auto tables = kernel.kallsyms_tables();
  if (!tables) return set;
  for (const VirtRange& table : *tables) {
    if (table.size > largest_tables) continue;
    for (const PhysRange& range : take_of_image(kernel, table.start, table.size).ranges()) set.add(range);
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

/// Whether the kernel uses the page for itself, by what its struct page says.
bool is_kernels_own(const PageDetails& page) {
  constexpr std::array<std::string_view, 5> own = {"reserved", "slab", "table", "large_kmalloc", "kmemcg"};
  if (std::find(own.begin(), own.end(), page.type) != own.end()) return true;
  const auto& flags = page.flag_names;
  const bool on_lru_list = std::find(flags.begin(), flags.end(), "lru") != flags.end();
  const bool mapped = page.mapcount && *page.mapcount > 0;
  // Pages free in per-CPU lists bear no mark and have no references.
  return page.type == "none" && page.refcount > 0 && !on_lru_list && !mapped;
}

/// Decides page by page what may leave. Remembers the last page: ranges come in order.
class PageJudge {
 public:
  PageJudge(const Kernel& kernel, const MemoryModel& model, const PageDecoder& pages,
            std::vector<PhysRange> stack_pools)
      : model_(model),
        pages_(pages),
        stack_pools_(std::move(stack_pools)),
        image_(image_range(kernel)),
        pmd_shift_(
            kernel.arch_memory().pmd_shift.value_or(kernel.arch().pmd_shift(model.geometry.page_shift))) {}

  /// What the struct page says; nothing for the kernel image, which has no need of being asked.
  enum class Verdict { kernels_own, page_table, no_struct_page, refused };
  Verdict judge(PhysAddr at) {
    const Pfn pfn = model_.geometry.phys_to_pfn(at);
    if (last_pfn_ != pfn) {
      last_ = look_at(at, pfn);
      last_pfn_ = pfn;
    }
    return last_;
  }
  /// The same for the memmap of `section`, which may lie in memory that is not online: in its own.
  Verdict judge_memmap(const Section& section, PhysAddr at) {
    const Verdict verdict = judge(at);
    if (verdict != Verdict::refused) return verdict;
    // Memmap that was added later is one allocation for each PMD entry (vmemmap_populate_hugepages), and not
    // compound: its first page alone has a reference. Those behind it lie in no free block.
    const PhysAddr first(at.raw() & ~((std::uint64_t{1} << pmd_shift_) - 1));
    const auto page = pages_.page(model_, model_.geometry.phys_to_pfn(at));
    if (page && page->type == "none" && first != at && judge(first) != Verdict::refused)
      return Verdict::kernels_own;
    const SectionNr host = model_.geometry.phys_to_section_nr(at);
    const Section* there = model_.find_section(host);
    const MemoryBlock* block = model_.block_of(section.nr);
    const bool same_block = block != nullptr && block == model_.block_of(host);
    const bool in_device = page && page->type == "zone_device";
    const bool hosts_itself = there != nullptr && section.memmap && section.memmap->self_hosted > 0 &&
                              (same_block || in_device || !there->flags.online);
    return hosts_itself ? Verdict::kernels_own : verdict;
  }

 private:
  /// Of the pages of a pool of stack records, which are given out at once and are not compound, the first alone has
  /// references.
  bool is_in_own_pool(const PageDetails& page, PhysAddr at) const {
    if (page.type != "none" || page.refcount != 0) return false;
    const auto behind =
        std::upper_bound(stack_pools_.begin(), stack_pools_.end(), at,
                         [](PhysAddr wanted, const PhysRange& pool) { return wanted < pool.start; });
    if (behind == stack_pools_.begin() || !std::prev(behind)->contains(at)) return false;
    const auto first = pages_.page(model_, model_.geometry.phys_to_pfn(std::prev(behind)->start));
    return first && is_kernels_own(*first);
  }

  Verdict look_at(PhysAddr at, Pfn pfn) const {
    if (image_.contains(at)) return Verdict::kernels_own;
    const Section* section = model_.find_section(model_.geometry.phys_to_section_nr(at));
    // Struct pages of memory that is not online are stale and say nothing.
    if (section == nullptr || !section->flags.online) return Verdict::refused;
    auto page = pages_.page(model_, pfn);
    if (page && page->compound == Compound::tail) {
      page = page->head ? pages_.page(model_, *page->head)
                        : Result<PageDetails>(Error{Errc::corrupt, "a tail page without a head", {}});
    }
    if (!page) {
      const Errc why = page.error().code;
      const bool filtered = why == Errc::excluded || why == Errc::not_in_dump || why == Errc::truncated;
      return filtered ? Verdict::no_struct_page : Verdict::refused;
    }
    if (!is_kernels_own(*page)) return is_in_own_pool(*page, at) ? Verdict::kernels_own : Verdict::refused;
    return page->type == "table" || page->type == "reserved" ? Verdict::page_table : Verdict::kernels_own;
  }

  const MemoryModel& model_;
  const PageDecoder& pages_;
  std::vector<PhysRange> stack_pools_;  // ascending
  PhysRange image_;
  unsigned pmd_shift_;
  std::optional<Pfn> last_pfn_;
  Verdict last_ = Verdict::refused;
};

/// Takes things kind by kind, the pages that may leave.
class Taker {
 public:
  Taker(ExtractPlan& plan, const MemoryModel& model, PageJudge& judge)
      : plan_(plan), page_size_(model.geometry.page_size()), judge_(judge) {}

  void take(std::string_view kind, const RangeSet& set) {
    RangeSet allowed;
    for_each_page(set, [&](PhysAddr at, PhysAddr end) {
      // What was taken as another kind was judged as that.
      const auto known = plan_.wanted.within({at, end - at});
      const bool taken = known.size() == 1 && known.front().size == end - at;
      if (!taken) add(allowed, judge_.judge(at), at, end);
    });
    add_kind(kind, allowed);
  }
  void take_memmaps(const MemoryModel& model) {
    RangeSet allowed;
    for (const Section& section : model.sections) {
      RangeSet set;
      if (section.memmap) memsect::take(set, section.memmap->backing);
      for_each_page(
          set, [&](PhysAddr at, PhysAddr end) { add(allowed, judge_.judge_memmap(section, at), at, end); });
    }
    add_kind("memmap", allowed);
  }
  /// Page tables as a whole where they are known for what they are, else the entries that were read.
  void take_tables(const RangeSet& read) {
    RangeSet allowed;
    for_each_page(read, [&](PhysAddr at, PhysAddr end) {
      const PageJudge::Verdict verdict = judge_.judge(at);
      if (verdict == PageJudge::Verdict::page_table) {
        at = PhysAddr(at.raw() / page_size_ * page_size_);
        end = at + page_size_;
      }
      add(allowed, verdict, at, end);
    });
    add_kind("page_table", allowed);
  }

 private:
  template <class Visit>
  void for_each_page(const RangeSet& set, const Visit& visit) const {
    for (const PhysRange& range : set.ranges()) {
      for (PhysAddr at = range.start; at < range.end();) {
        const PhysAddr end = std::min(range.end(), PhysAddr(at.raw() / page_size_ * page_size_ + page_size_));
        visit(at, end);
        at = end;
      }
    }
  }
  void add(RangeSet& allowed, PageJudge::Verdict verdict, PhysAddr at, PhysAddr end) {
    if (verdict == PageJudge::Verdict::refused) {
      refused_.add({PhysAddr(at.raw() / page_size_ * page_size_), page_size_});
      plan_.refused_pages = refused_.bytes() / page_size_;
    } else {
      allowed.add({at, end - at});
    }
  }
  void add_kind(std::string_view kind, const RangeSet& allowed) {
    RangeSet fresh;
    for (const PhysRange& range : allowed.ranges()) {
      PhysAddr at = range.start;
      for (const PhysRange& known : plan_.wanted.within(range)) {
        fresh.add({at, known.start - at});
        at = known.end();
      }
      fresh.add({at, range.end() - at});
    }
    plan_.wanted.add(fresh);
    if (!fresh.empty()) plan_.taken.push_back({kind, fresh.bytes(), 0, std::move(fresh)});
  }

  ExtractPlan& plan_;
  std::uint64_t page_size_;
  PageJudge& judge_;
  RangeSet refused_;
};

void take_objects(const MemoryModel& model, Taker& taker) {
  RangeSet table, roots, usages, pgdats;
  if (model.root_table) take(table, model.root_table->phys);
  for (const SectionRoot& root : model.roots) take(roots, root.placement.phys);
  for (const Section& section : model.sections) {
    if (section.usage) take(usages, section.usage->phys);
  }
  for (const Node& node : model.nodes) {
    if (node.placement) take(pgdats, node.placement->phys);
  }
  taker.take("section_root_table", table);
  taker.take("section_root", roots);
  taker.take("usage", usages);
  taker.take("pgdat", pgdats);
  taker.take_memmaps(model);
}

/// Looks at each slab page as `addr` does, for the cache it belongs to. Struct pages are read a page at a
/// time; those that several sections share, once.
void visit_slab_pages(const Kernel& kernel, const MemoryModel& model, const PageDecoder& pages) {
  const AddressSpace space = kernel.space();
  const std::uint64_t size = model.geometry.struct_page_size;
  const std::uint64_t at_once = std::max<std::uint64_t>(model.geometry.page_size() / size, 1);
  RangeSet seen;
  std::vector<std::byte> bytes(at_once * size);
  for (const Section& section : model.sections) {
    if (!section.flags.online || !section.memmap) continue;
    const Pfn first = model.geometry.section_nr_to_pfn(section.nr);
    for (std::uint64_t i = 0; i + at_once <= model.geometry.pages_per_section(); i += at_once) {
      const auto phys = space.translate(section.mem_map + i * size);
      if (!phys || seen.contains(*phys) || !space.read(section.mem_map + i * size, bytes)) continue;
      seen.add({*phys, bytes.size()});
      for (std::uint64_t j = 0; j < at_once; ++j) {
        if (!pages.reader().decode(Bytes(bytes).subspan(j * size, size)).slab) continue;
        static_cast<void>(pages.page(model, first + (i + j)));  // the record keeps what it read
      }
    }
  }
}

/// Looks at all pages as `removable` does, for what their struct pages lead to: names of slab caches, devices that pages
/// are written to.
void scan_pages(const Kernel& kernel, const MemoryModel& model) {
  PageScanner scanner(kernel, model.geometry);
  for (const Section& section : model.sections) {
    const PfnRange pages{model.geometry.section_nr_to_pfn(section.nr), model.geometry.pages_per_section()};
    if (section.flags.online) static_cast<void>(scanner.scan(model, pages));
  }
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

/// How pages appear in the extract: listed in order, those that could not be read by the reason.
class PageRuns {
 public:
  PageRuns(const AccessRecord& record, std::uint64_t page_size) : record_(record), page_size_(page_size) {}

  /// Lists the pages of `range`, which begins and ends with a page.
  void list(PhysRange range, const RangeSet& wanted) {
    for (const PhysRange& part : wanted.within(range)) {
      list_up_to(range.start, rounded_down(part.start), PageRun::State::filtered);
      list_up_to(range.start, rounded_down(part.end() + (page_size_ - 1)), PageRun::State::stored);
    }
    list_up_to(range.start, range.end(), PageRun::State::filtered);
    at_ = {};
  }
  std::vector<PageRun> take() { return std::move(runs_); }

 private:
  PhysAddr rounded_down(PhysAddr at) const { return PhysAddr(at.raw() / page_size_ * page_size_); }

  /// From where the last call ended, `start` at first, to `end`.
  void list_up_to(PhysAddr start, PhysAddr end, PageRun::State state) {
    at_ = std::max(at_.value_or(start), start);
    while (*at_ < end) {
      // The next page that could not be read, and why.
      PhysAddr next = end;
      std::optional<Errc> reason;
      for (const auto& [why, pages] : record_.failed) {
        const auto parts = pages.within({*at_, next - *at_});
        if (parts.empty() || parts.front().start >= next) continue;
        next = rounded_down(parts.front().start);
        reason = why;
      }
      next = std::max(next, *at_);
      append(state, next);
      if (reason) append_failed(*reason);
    }
  }
  void append(PageRun::State state, PhysAddr end) {
    const Pfn first(at_->raw() / page_size_);
    const std::uint64_t count = (end - *at_) / page_size_;
    at_ = end;
    if (count == 0) return;
    if (!runs_.empty() && runs_.back().state == state && runs_.back().first + runs_.back().count == first) {
      runs_.back().count += count;
    } else {
      runs_.push_back({state, first, count});
    }
  }
  void append_failed(Errc reason) {
    const PhysAddr end = *at_ + page_size_;
    if (reason == Errc::not_in_dump) {
      at_ = end;
    } else {
      append(reason == Errc::excluded ? PageRun::State::filtered : PageRun::State::lost, end);
    }
  }

  const AccessRecord& record_;
  std::uint64_t page_size_;
  std::vector<PageRun> runs_;
  std::optional<PhysAddr> at_;
};

RangeSet whole_pages(const RangeSet& bytes, std::uint64_t page_size) {
  RangeSet pages;
  for (const PhysRange& range : bytes.ranges()) {
    const std::uint64_t start = range.start.raw() / page_size * page_size;
    const std::uint64_t end = (range.end().raw() + page_size - 1) / page_size * page_size;
    pages.add({PhysAddr(start), end - start});
  }
  return pages;
}

/// The pages of the present sections, and of what is wanted outside of them.
std::vector<PageRun> list_pages(const ExtractPlan& plan, const AccessRecord& record,
                                const MemoryModel& model) {
  const std::uint64_t page_size = model.geometry.page_size();
  RangeSet all = whole_pages(plan.wanted, page_size);
  for (const Section& section : model.sections) all.add(model.geometry.section_range(section.nr));
  PageRuns runs(record, page_size);
  for (const PhysRange& range : all.ranges()) runs.list(range, plan.wanted);
  return runs.take();
}

/// Takes off what the dump turned out not to have.
void count_missing(ExtractPlan& plan, const AccessRecord& record) {
  for (TakenKind& kind : plan.taken) {
    for (const PhysRange& range : kind.set.ranges()) {
      for (const auto& [why, pages] : record.failed) {
        for (const PhysRange& part : pages.within(range)) kind.missing += part.size;
      }
    }
    kind.bytes -= std::min(kind.bytes, kind.missing);
    if (kind.missing > 0) plan.incomplete = true;
  }
}

}  // namespace

Result<ExtractPlan> plan_extract(const Kernel& kernel, const AccessRecord& record,
                                 const ExtractChoice& choice) {
  auto model = load_model(kernel, all_parts);
  if (!model) return std::move(model).error();
  const PageDecoder pages(kernel, model->geometry);
  visit_slab_pages(kernel, *model, pages);
  if (model->geometry.kind != MemoryModelKind::flatmem) {  // there memsect has nothing to judge
    walk_known_tables(kernel, *model);
    static_cast<void>(load_offline_rules(kernel, *model));
    scan_pages(kernel, *model);
  }
  const PageOwnerReader owners(kernel);
  owners.read_all(*model);
  const RangeSet tables = record.tables,
                 data = record.data;  // judging reads struct pages, which goes on record

  ExtractPlan plan;
  plan.notes = model->notes;
  PageJudge judge(kernel, *model, pages, owners.stack_pools());
  Taker taker(plan, *model, judge);
  take_objects(*model, taker);
  if (owners.usable()) {
    RangeSet tables_of_notes;
    for (const Section& section : model->sections) {
      if (section.page_ext) take(tables_of_notes, section.page_ext->phys);
    }
    taker.take("page_ext", tables_of_notes);
  }
  if (choice.types) {
    taker.take("btf", btf_ranges(kernel));
    taker.take("kallsyms", kallsyms_ranges(kernel));
  }
  taker.take_tables(tables);
  taker.take("other_kernel_data", data);
  try_to_read(kernel, plan.wanted);
  count_missing(plan, record);
  plan.pages = list_pages(plan, record, *model);
  plan.incomplete = plan.incomplete || model->incomplete || plan.refused_pages > 0;
  if (plan.refused_pages > 0) {
    plan.notes.warn(
        fmt::format("{} pages that this kernel leads to are not its own, as far as can be told: left out",
                    plan.refused_pages));
  }
  return plan;
}

}  // namespace memsect
