#include "formats/proc_kcore.h"

#include <string>

#include "fuzz/fuzz_dump.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return memsect::test::with_memory_file(std::as_bytes(std::span(data, size)), [](const std::string& path) {
    memsect::LiveSystem system;
    system.kcore = path;
    system.sysfs = "/nowhere";
    const auto dump = memsect::open_proc_kcore(system);
    return dump ? memsect::test::fuzz_memory(*dump->memory) : 0;
  });
}
