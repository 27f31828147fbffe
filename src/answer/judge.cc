#include "answer/judge.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "page/page_owner_reader.h"
#include "page/page_scanner.h"

namespace memsect {
namespace {

constexpr unsigned most_zones = 8;
constexpr unsigned most_threads = 32;  // each has struct pages of 2 MiB at hand

std::vector<std::string> zone_names(const PageScanner& scanner) {
  std::vector<std::string> names;
  for (unsigned zone = 0; zone < most_zones; ++zone) names.push_back(scanner.zone_name(zone));
  return names;
}

/// The CPUs this process may use. (std::thread::hardware_concurrency() reads files, which the sandbox forbids.)
unsigned cpu_count() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(CPU_COUNT(&set), 1));
}

unsigned thread_count(unsigned wanted, std::size_t units) {
  const unsigned threads = std::min(wanted == 0 ? cpu_count() : wanted, most_threads);
  return static_cast<unsigned>(std::min<std::size_t>(threads, std::max<std::size_t>(units, 1)));
}

PfnRange pages_of(const MemoryGeometry& geometry, PhysRange range) {
  return {geometry.phys_to_pfn(range.start), range.size >> geometry.page_shift};
}

}  // namespace

std::vector<OfflineJudgement> judge_units(const Session& session, const MemoryModel& model,
                                          const OfflineRules& rules, const std::vector<OfflineUnit>& units,
                                          unsigned threads_wanted) {
  PageScanner scanner(session.kernel(), model.geometry);
  const OfflineJudge judge(model, rules, zone_names(scanner));
  std::vector<OfflineJudgement> judgements(units.size());
  std::mutex progress_mutex;
  std::size_t judged = 0;
  std::atomic<std::size_t> next{0};
  const auto work = [&](PageScanner& own) {
    for (std::size_t i = next++; i < units.size(); i = next++) {
      PageScan scan;
      if (OfflineJudge::wants_scan(units[i]))
        scan = own.scan(model, pages_of(model.geometry, units[i].tested));
      judgements[i] = judge.judge(units[i], scan);
      const std::lock_guard lock(progress_mutex);
      session.tell("judging memory blocks", ++judged, units.size());
    }
  };
  const unsigned threads = thread_count(threads_wanted, units.size());
  std::vector<std::jthread> helpers;
  for (unsigned i = 1; i < threads; ++i)
    helpers.emplace_back([&work, own = scanner]() mutable { work(own); });
  work(scanner);
  helpers.clear();
  return judgements;
}

void look_up_owners(const Kernel& kernel, const MemoryModel& model,
                    std::vector<OfflineJudgement>& judgements) {
  const PageOwnerReader owners(kernel);
  if (!owners.usable()) return;
  std::vector<PageOwner*> found;
  for (OfflineJudgement& judgement : judgements) {
    for (Reason& reason : judgement.reasons) {
      if (reason.first_pages.empty() || reason.severity == ReasonSeverity::hint) continue;
      reason.owner = owners.owner_of(model, reason.first_pages.front());
      if (reason.owner) found.push_back(&*reason.owner);
    }
  }
  name_frames(kernel, found);
}

bool lacks_evidence(const std::vector<OfflineJudgement>& judgements) {
  return std::any_of(judgements.begin(), judgements.end(), [](const OfflineJudgement& judgement) {
    return std::any_of(judgement.reasons.begin(), judgement.reasons.end(), [](const Reason& reason) {
      return reason.code == "not_read" || reason.attribution.has_value();
    });
  });
}

}  // namespace memsect
