#include "formats/packing.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "base/temp_file.h"
#include "base/text.h"

namespace memsect {
namespace {

using namespace std::string_view_literals;

struct Kind {
  Packing packing;
  std::string_view name;
  std::string_view magic;
  std::string_view command;
};
constexpr std::array<Kind, 5> kinds{{{Packing::gzip, "gzip", "\x1f\x8b"sv, "gunzip --keep FILE"},
                                     {Packing::xz, "xz",
                                      "\xfd"
                                      "7zXZ\0"sv,
                                      "unxz --keep FILE"},
                                     {Packing::zstd, "zstd", "\x28\xb5\x2f\xfd"sv, "unzstd FILE"},
                                     {Packing::bzip2, "bzip2", "BZh"sv, "bunzip2 --keep FILE"},
                                     {Packing::lzop, "lzop",
                                      "\x89"
                                      "LZO\0\x0d\x0a\x1a\x0a"sv,
                                      "lzop -d FILE"}}};

const Kind& kind_of(Packing packing) {
  for (const Kind& kind : kinds) {
    if (kind.packing == packing) return kind;
  }
  return kinds.front();
}

constexpr std::size_t piece_size = std::size_t{1} << 20;

std::string cut_off_text(const File& packed, std::uint64_t unpacked) {
  return fmt::format("{}: the compressed file is cut off: {} of unpacked data are used, the rest is missing",
                     packed.path(), human_size(unpacked));
}

Error too_large(std::uint64_t at_most) {
  return {Errc::unsupported,
          fmt::format("is larger than {} when unpacked, which is the limit", human_size(at_most)),
          "--unpack-limit SIZE raises it, where that much is expected"};
}

}  // namespace

std::string_view packing_name(Packing packing) { return kind_of(packing).name; }
std::string_view unpack_command(Packing packing) { return kind_of(packing).command; }

bool packing_built_in(Packing packing) {
  bool built_in = packing == Packing::gzip;
#ifdef MEMSECT_WITH_LZMA
  built_in = built_in || packing == Packing::xz;
#endif
#ifdef MEMSECT_WITH_ZSTD
  built_in = built_in || packing == Packing::zstd;
#endif
#ifdef MEMSECT_WITH_BZIP2
  built_in = built_in || packing == Packing::bzip2;
#endif
#ifdef MEMSECT_WITH_LZO
  built_in = built_in || packing == Packing::lzop;
#endif
  return built_in;
}

std::optional<Packing> packing_of(Bytes head) {
  for (const Kind& kind : kinds) {
    if (head.size() >= kind.magic.size() &&
        std::memcmp(head.data(), kind.magic.data(), kind.magic.size()) == 0)
      return kind.packing;
  }
  return std::nullopt;
}

Result<std::unique_ptr<Unpacker>> make_unpacker(Packing packing, const ByteSource& source) {
  if (!packing_built_in(packing)) {
    return Error{
        Errc::unsupported,
        fmt::format("is compressed with {}, which this build of memsect leaves out", packing_name(packing)),
        fmt::format("decompress it first: {}", unpack_command(packing))};
  }
#ifdef MEMSECT_WITH_LZO
  if (packing == Packing::lzop) return make_lzop_unpacker(source);
#endif
  return make_stream_unpacker(packing, source);
}

Result<std::shared_ptr<const File>> unpack_file(const File& packed, Packing packing,
                                                const UnpackRequest& request) {
  auto unpacker = make_unpacker(packing, packed);
  if (!unpacker) return std::move(unpacker).error();
  auto store = TempStore::create();
  if (!store) return std::move(store).error();
  Notes remarks;
  std::vector<std::byte> buffer(piece_size);
  for (;;) {
    auto got = (*unpacker)->read(buffer);
    if (!got && got.error().code == Errc::truncated) {
      remarks.warn(cut_off_text(packed, store->size()),
                   "copy it again, or use it as the part of a dump that it is");
      break;
    }
    if (!got) {
      return std::move(got)
          .error()
          .within(fmt::format("is compressed with {} and", packing_name(packing)))
          .with_hint(fmt::format("copy it again; what comes before the damage can be had by hand: {}",
                                 unpack_command(packing)));
    }
    if (*got == 0) break;
    if (*got > request.at_most - std::min(request.at_most, store->size())) return too_large(request.at_most);
    if (auto done = store->append(Bytes(buffer).first(*got)); !done) return std::move(done).error();
    if (request.progress) request.progress((*unpacker)->position(), packed.size());
  }
  if (request.progress) request.progress(packed.size(), packed.size());
  return std::move(*store).finish(packed.path(), std::move(remarks));
}

}  // namespace memsect
