#include "formats/packing.h"
#include "fuzz/fuzz_dump.h"

// Compressed files: the bytes that come, to 16 MiB, whatever the kind.
// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memsect;
  const Bytes input = std::as_bytes(std::span(data, size));
  const auto packing = packing_of(input);
  if (!packing) return -1;
  return test::with_memory_file(input, [&](const std::string& path) {
    constexpr std::size_t most = std::size_t{16} << 20;
    const auto file = File::open(path);
    if (!file) return -1;
    const auto unpacker = make_unpacker(*packing, **file);
    if (!unpacker) return 0;
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    for (std::size_t total = 0; total < most;) {
      const auto got = (*unpacker)->read(buffer);
      if (!got || *got == 0) break;
      total += *got;
    }
    return 0;
  });
}
