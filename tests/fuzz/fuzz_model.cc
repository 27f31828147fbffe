// Everything above the file formats: a small sound kernel, of whose memory and VMCOREINFO single stretches are
// overwritten, is opened, decoded, analysed and reported.
//
//   input: kernel and command in one byte, then stretches: | place 1 | offset 2 | count 1 | count bytes |
//
// The place is one of the stretches that `places_of` lists, the last of them VMCOREINFO's text.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "analysis/objects_at.h"
#include "extract/plan_extract.h"
#include "memory/recording_memory.h"
#include "offlining/offline_rules.h"
#include "page/address_facts.h"
#include "page/page_scanner.h"
#include "support/fake_kernel.h"
#include "view/addr.h"
#include "view/blocks.h"
#include "view/deps.h"
#include "view/info.h"
#include "view/nodes.h"
#include "view/removable.h"
#include "view/sections.h"
#include "view/subsections.h"
#include "view/usemap.h"
#include "view/why.h"

namespace memsect::test {
namespace {

constexpr std::array fixtures = {"fake_4_14",      "fake_6",         "fake_7",
                                 "fake_owner_old", "fake_owner_new", "fake_lmbs"};
/// A stretch of the dump file.
struct Place {
  std::size_t offset = 0, size = 0;
};

/// 4.14 has its memory blocks in a device tree, which is not in the fixture.
bool has_blocks(const std::string& fixture) { return fixture == "fake_6" || fixture == "fake_7"; }

constexpr std::uint64_t page_ext = 0x3000000, stack_pools = 0x3800000, stack_pool = 0x3801000,
                        lmbs = 0x3802000;
constexpr Pfn owned_page{0x8003};

/// A note of page_owner on one page of section 1, and the record of its stack.
void add_page_owner(FakeKernel& fake) {
  constexpr std::uint64_t entry_size = 96, owner_offset = 16;
  const bool is_new = fake.layout("page_owner").has("comm");
  for (const std::uint64_t at : {page_ext, stack_pools, stack_pool}) fake.memory.add({PhysAddr(at), 4096});
  fake.set_page(owned_page, 0, 2);
  fake.put(fake.symbol("page_ext_size"), entry_size);
  fake.put(FakeKernel::at(FakeKernel::roots) + fake.layout("mem_section").size, "mem_section", "page_ext",
           FakeKernel::at(page_ext).raw() - entry_size * 0x8000);
  fake.put(fake.symbol("page_owner_ops"), "page_ext_operations", "offset", owner_offset);
  if (is_new) fake.put(fake.symbol("stack_pools"), FakeKernel::at(stack_pools).raw());
  fake.put(is_new ? FakeKernel::at(stack_pools) : fake.symbol("stack_slabs"),
           FakeKernel::at(stack_pool).raw());
  const VirtAddr entry = FakeKernel::at(page_ext) + (owned_page.raw() - 0x8000) * entry_size;
  const std::uint64_t handle = is_new ? 1 : 1U << 31;
  fake.put(entry, "page_ext", "flags", 3);
  fake.put(entry + owner_offset, "page_owner", "handle", handle);
  fake.put(FakeKernel::at(stack_pool), "stack_record", "handle", handle);
  fake.put(FakeKernel::at(stack_pool), "stack_record", "size", 3);
}

void add_lmbs(FakeKernel& fake) {
  fake.memory.add({PhysAddr(lmbs), 4096});
  const VirtAddr info = FakeKernel::at(lmbs);
  fake.put(fake.symbol("drmem_info"), info.raw());
  fake.put(info, "drmem_lmb_info", "lmbs", info.raw() + 64);
  fake.put(info, "drmem_lmb_info", "n_lmbs", 8);
  fake.put(info, "drmem_lmb_info", "lmb_size", 0x8000000);
}

FakeKernel make_kernel(const std::string& fixture) {
  FakeKernel fake(fixture);
  for (std::uint64_t nr = 0; nr < 3; ++nr) {
    fake.add_section({.nr = nr, .node = nr < 2 ? 0U : 1U, .usemap = {0x0123012301230123}});
    if (has_blocks(fixture)) fake.add_block({.id = nr, .zone = fake.zone(nr < 2 ? 0 : 1, 2)});
  }
  for (const unsigned node : {0U, 1U}) {
    fake.add_node(node, node * 0x10000, 0x10000);
    fake.add_zone(node, 2, "Normal", node * 0x10000, 0x10000);
    fake.mark({FakeKernel::phys(fake.pgdat(node)), fake.layout("pglist_data").size}, 0, fake.reserved_flag());
  }
  fake.mark({PhysAddr(FakeKernel::usages), 4096}, 0, fake.reserved_flag());
  fake.put(fake.symbol("node_states") + 8, 0b11);
  fake.set_pageblock_names({"Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"});
  if (fixture.starts_with("fake_owner")) add_page_owner(fake);
  if (fixture == "fake_lmbs") add_lmbs(fake);
  return fake;
}

/// A kernel's files, open all the time. Its dump is spoilt in place and then restored.
class Machine {
 public:
  explicit Machine(const std::string& fixture) : fake_(make_kernel(fixture)), dump_(fake_.elf_core()) {
    descriptor_ = ::memfd_create("dump", MFD_CLOEXEC);
    write({0, dump_.size()}, dump_);
    auto vmlinux = File::open(fake_.vmlinux());
    if (descriptor_ < 0 || !vmlinux) std::abort();
    vmlinux_ = *vmlinux;
    find_places(has_blocks(fixture));
  }

  void spoil(std::size_t place, std::size_t offset, Bytes bytes) {
    const Place& in = places_[place % places_.size()];
    offset %= in.size;
    const Place where{in.offset + offset, std::min(bytes.size(), in.size - offset)};
    write(where, bytes);
    spoilt_.push_back(where);
  }
  void restore() {
    for (const Place& where : spoilt_) write(where, Bytes(dump_).subspan(where.offset, where.size));
    spoilt_.clear();
  }
  Result<Kernel> open(AccessRecord* record) const {
    InputRequest request;
    request.force = true;
    request.search = false;
    auto dump = File::open("/proc/self/fd/" + std::to_string(descriptor_));
    if (!dump) return std::move(dump).error();
    InputFiles files;
    files.dump = *dump;
    auto format = sniff_format(*files.dump);
    if (!format || *format == nullptr) std::abort();  // the file itself is sound
    files.dump_format = *format;
    files.vmlinux = vmlinux_;
    return Kernel::open(files, request, record);
  }

 private:
  void write(const Place& where, Bytes bytes) const {
    const auto size = static_cast<ssize_t>(where.size);
    if (::pwrite(descriptor_, bytes.data(), where.size, static_cast<off_t>(where.offset)) != size)
      std::abort();
  }
  /// Up to a page of each kind of thing, wherever the dump file has it.
  void find_places(bool with_blocks) {
    std::vector<PhysAddr> starts;
    for (const std::uint64_t at :
         {FakeKernel::root_table, FakeKernel::roots, FakeKernel::usages, FakeKernel::pgdats,
          FakeKernel::pgdats + 0x10000, FakeKernel::blocks, FakeKernel::blocks + 0x1000, FakeKernel::memmap})
      starts.emplace_back(at);
    for (const char* name : {"mem_section", "node_data", "node_states", "sections_per_block",
                             "migratetype_names", "scratch", "init_top_pgt"})
      starts.push_back(FakeKernel::phys(fake_.symbol(name)));
    if (with_blocks) starts.push_back(FakeKernel::phys(fake_.symbol("memory_blocks")));
    for (const std::uint64_t at :
         {std::uint64_t{0x2000000}, std::uint64_t{0x2001000}, std::uint64_t{0x2002000},
          std::uint64_t{0x25ff000}, page_ext, stack_pools, stack_pool, lmbs})
      starts.emplace_back(at);
    starts.push_back(FakeKernel::phys(fake_.zone(0, 2)));
    for (const std::uint64_t page :
         {FakeKernel::pgdats >> 12, FakeKernel::usages >> 12, std::uint64_t{0x200}})
      starts.push_back(FakeKernel::phys(fake_.struct_page(Pfn(page))));
    for (const PhysAddr at : starts) {
      if (const std::size_t offset = offset_of(at); offset != 0)
        places_.push_back({offset, 4096 - static_cast<std::size_t>(at.raw() % 4096)});
    }
    const std::string text = fake_.vmcoreinfo_text();
    const Buffer info = to_bytes(text);
    const auto found = std::search(dump_.begin(), dump_.end(), info.begin(), info.end());
    if (found == dump_.end()) std::abort();
    places_.push_back({static_cast<std::size_t>(found - dump_.begin()), info.size()});
  }
  /// Where the dump file has a physical address, by its program headers; 0 where it has not.
  std::size_t offset_of(PhysAddr at) const {
    const auto number = [this](std::size_t offset, std::size_t size) {
      return load_unsigned(Bytes(dump_).subspan(offset, size), ByteOrder::little);
    };
    const std::size_t headers = number(32, 8), count = number(56, 2);
    for (std::size_t header = headers; header < headers + count * 56; header += 56) {
      const std::uint64_t start = number(header + 24, 8), size = number(header + 32, 8);
      const bool is_load = number(header, 4) == 1;
      if (is_load && at.raw() >= start && at.raw() - start < size)
        return number(header + 8, 8) + (at.raw() - start);
    }
    return 0;
  }

  FakeKernel fake_;
  Buffer dump_;
  std::vector<Place> places_, spoilt_;
  std::shared_ptr<const File> vmlinux_;
  int descriptor_ = -1;
};

void render(const Report& report) {
  std::size_t written = 0;
  const Sink sink = [&written](std::string_view text) { return (written += text.size()) < (64U << 20); };
  for (const char* format : {"table", "json"})
    static_cast<void>(find_renderer(format)->render(report, {}, sink));
}

template <class T>
std::vector<const T*> pointers(const std::vector<T>& all) {
  std::vector<const T*> found;
  found.reserve(all.size());
  for (const T& one : all) found.push_back(&one);
  return found;
}

void report_sections(const MemoryModel& model) {
  const Dependencies dependencies = find_dependencies(model, {.self = true});
  render(make_sections_report(model, dependencies, pointers(model.sections), {.blocks = true}));
  render(make_deps_report(model, dependencies, {}));
}

void report_address(const Kernel& kernel, const MemoryModel& model) {
  for (const std::uint64_t at : {FakeKernel::pgdats, FakeKernel::usages, owned_page.raw() << 12}) {
    AddrAnswer answer{"", "phys", facts_at(kernel, model, PhysAddr(at)),
                      objects_at(model, {PhysAddr(at), 4096})};
    render(make_addr_report(model, answer));
  }
  static_cast<void>(facts_at(kernel, model, FakeKernel::vmemmap));
}

void report_parts(const Kernel& kernel, const MemoryModel& model) {
  render(make_info_report(model, {kernel.arch_memory().phys_base, kernel.kaslr_offset(), std::nullopt, {}}));
  render(make_nodes_report(model, pointers(model.nodes)));
  render(make_usemap_report(model, pointers(model.sections), pointers(model.nodes)));
  render(make_subsections_report(model, pointers(model.sections)));
  if (model.blocks) render(make_blocks_report(model, pointers(*model.blocks)));
}

/// The verdicts on all blocks, by the first pages of each: struct pages are many.
void report_offlining(const Kernel& kernel, MemoryModel& model) {
  constexpr std::uint64_t scanned = 2048;
  const OfflineRules rules = load_offline_rules(kernel, model);
  PageScanner scanner(kernel, model.geometry);
  const OfflineJudge judge(model, rules, {"DMA", "DMA32", "Normal"});
  WhyAnswer answer{"node:0", "node", {}, {}, {}};
  for (const Section& section : model.sections) {
    const OfflineUnit unit = unit_of_section(model, section);
    const Pfn first = model.geometry.phys_to_pfn(unit.tested.start);
    answer.judgements.push_back(judge.judge(unit, scanner.scan(model, {first, scanned})));
  }
  answer.plan = plan_offlining(answer.judgements);
  render(make_removable_report(answer.judgements));
  render(make_plan_report(answer.judgements, answer.plan));
  render(make_why_report(answer));
}

/// Does what some of the commands do. All at once would make for few runs a second.
void run(const Machine& machine, unsigned command) {
  AccessRecord record;
  const bool extract = command >= 80;  // looks at all struct pages, which takes long
  const auto kernel = machine.open(extract ? &record : nullptr);
  if (!kernel) return;
  if (extract) {
    static_cast<void>(plan_extract(*kernel, record, {}));
  } else if (command >= 60) {
    auto model = load_model(
        *kernel, {.usages = true, .memmap = true, .section_nodes = true, .nodes = true, .blocks = true});
    if (model) report_offlining(*kernel, *model);
  } else if (command % 3 == 0) {
    const auto model = load_model(*kernel, {.usages = true,
                                            .memmap = true,
                                            .section_nodes = true,
                                            .section_zones = true,
                                            .nodes = true,
                                            .blocks = true});
    if (model) report_sections(*model);
  } else if (command % 3 == 1) {
    const auto model = load_model(*kernel, {.usages = true,
                                            .memmap = true,
                                            .section_nodes = true,
                                            .nodes = true,
                                            .blocks = true,
                                            .other_metadata = true});
    if (model) report_address(*kernel, *model);
  } else {
    const auto model = load_model(
        *kernel,
        {.usages = true, .nodes = true, .zone_pageblocks = true, .blocks = true, .subsection_kinds = true});
    if (model) report_parts(*kernel, *model);
  }
}

}  // namespace
}  // namespace memsect::test

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using memsect::test::Machine;
  static const auto machines = [] {
    std::vector<std::unique_ptr<Machine>> all;
    all.reserve(memsect::test::fixtures.size());
    for (const char* fixture : memsect::test::fixtures) all.push_back(std::make_unique<Machine>(fixture));
    return all;
  }();
  if (size == 0 || size > 4096) return -1;
  const memsect::Bytes input = std::as_bytes(std::span(data, size));
  Machine& machine = *machines[data[0] % machines.size()];
  for (std::size_t at = 1; at + 4 < size;) {
    const std::size_t count = std::min<std::size_t>(data[at + 3], size - at - 4);
    machine.spoil(data[at], data[at + 1] | std::size_t{data[at + 2]} << 8, input.subspan(at + 4, count));
    at += 4 + count;
  }
  memsect::test::run(machine, data[0] / 3U);
  machine.restore();
  return 0;
}
