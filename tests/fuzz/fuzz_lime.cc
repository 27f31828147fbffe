#include "fuzz/fuzz_dump.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return memsect::test::fuzz_dump("lime", std::as_bytes(std::span(data, size)));
}
