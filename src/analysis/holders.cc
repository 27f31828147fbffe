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
// Page tables are listed with the sections whose struct pages or whose memory they translate, memory blocks with the sections
// they are for. There are many of them, scattered over slab and buddy pages: those of one kind in one section are one
// HeldObject, so that a list of holders stays a list. dev_pagemaps are few and stay apart.
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
// pgdats (try_offline_node only clears the online bit), usages from memblock (section_deactivate keeps
// them: PageReserved), tail pages that a zone keeps (7.1+), KASAN's shadow of boot memory, page tables of some levels
// (ArchDriver::kept_tables). Boot memmap is given back by x86, arm64 and the other machines read so far, but for
// loongarch. page_ext, memory blocks and dev_pagemaps go with what they serve.
#include "analysis/holders.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "analysis/object_kinds.h"
#include "analysis/placer.h"
#include "analysis/words.h"

namespace memsect {
namespace {

/// Whom the object serves.
void add_subject(const MemoryModel& model, const PlacedObject& of, HeldObject& object) {
  if (facts_of(of.kind).serves_nodes) return object.of_nodes.push_back(of.node);
  for_each_served(model, of, [&](SectionNr first, std::uint64_t count) {
    for (const Section& section : model.sections_from(first, count)) object.of_sections.push_back(section.nr);
  });
}

/// What `next` goes into, if it is one of many small objects, scattered over the section, that are listed as one.
HeldObject* find_whole(Holder& holder, const Part& next) {
  if (!facts_of(next.of.kind).small_and_many) return nullptr;
  for (auto object = holder.holds.rbegin(); object != holder.holds.rend() && object->kind == next.of.kind;
       ++object) {
    if (object->allocation == next.of.allocation && object->permanent == next.of.permanent) return &*object;
  }
  return nullptr;
}

/// Whether `next` goes on where `object`, so far, ends; or is the very same bytes, serving somebody else.
bool continues(const HeldObject& object, bool contiguous, const Part& next) {
  if (object.kind != next.of.kind || !facts_of(next.of.kind).has_runs) return false;
  if (object.allocation != next.of.allocation || object.permanent != next.of.permanent) return false;
  if (object.phys == next.phys && object.bytes == next.bytes) return true;
  return contiguous && next.contiguous && object.phys + object.bytes == next.phys && object.address &&
         next.address && *object.address + object.bytes == *next.address;
}

void append(const MemoryModel& model, std::span<const Part> parts, Holder& holder) {
  bool contiguous = false;
  for (const Part& part : parts) {
    if (HeldObject* whole = find_whole(holder, part)) {
      whole->bytes += part.bytes;
      add_subject(model, part.of, *whole);
      continue;
    }
    if (holder.holds.empty() || !continues(holder.holds.back(), contiguous, part)) {
      holder.holds.push_back({.kind = part.of.kind,
                              .of_sections = {},
                              .of_nodes = {},
                              .address = part.address,
                              .phys = part.phys,
                              .allocation = part.of.allocation,
                              .permanent = part.of.permanent});
      contiguous = part.contiguous;
    }
    HeldObject& object = holder.holds.back();
    if (object.phys != part.phys || object.bytes == 0) object.bytes += part.bytes;
    add_subject(model, part.of, object);
  }
  for (HeldObject& object : holder.holds) {
    if (std::is_sorted(object.of_sections.begin(), object.of_sections.end(), std::less_equal<>())) continue;
    std::sort(object.of_sections.begin(), object.of_sections.end());
    object.of_sections.erase(std::unique(object.of_sections.begin(), object.of_sections.end()),
                             object.of_sections.end());
  }
}

}  // namespace

bool serves_only_itself(const HeldObject& object, SectionNr holder) {
  return !facts_of(object.kind).always_listed && object.of_sections.size() == 1 &&
         object.of_sections.front() == holder;
}

Survey survey_holders(const MemoryModel& model) {
  Survey survey;
  Placer placer(model);
  visit_objects(
      model, {[&](const PlacedObject& object, std::span<const PhysRange> stretches) {
                // A zone's page that a memmap maps is listed as that.
                if (object.kind == ObjectKind::vmemmap_tail && placer.is_mapped_tail(stretches.front().start))
                  return;
                placer.place(object, stretches);
              },
              [&](ObjectKind kind, std::uint64_t subject, Errc why) { placer.unknown(kind, subject, why); }});
  for (const Section& section : model.sections) {
    if (!section.node) placer.node_unknown(section.nr, section.node.error().code);
  }
  if (!model.blocks && model.blocks.error().code != Errc::not_applicable) {
    survey.notes.note(
        fmt::format("memory blocks are not among what sections hold: {}", model.blocks.error().message));
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
