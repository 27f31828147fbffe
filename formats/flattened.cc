// makedumpfile's flattened form (makedumpfile -F, QEMU's dump-guest-memory -z/-l/-s): a dump cut into pieces
// that carry their own offsets, so that it could be written to a pipe. Integers are big-endian whatever the
// machine.
//
//   0     "makedumpfile\0\0\0\0"  s64 type = 1  s64 version = 1     padded to 4096 bytes
//   4096  s64 offset  s64 size  bytes ...                           again and again, in no promised order
//   end   s64 -1      s64 -1
//
// Recognised so that the advice is right; reading it in place needs a map of the pieces, which is not here
// yet.
#include <cstring>
#include <string_view>

#include "formats/format.h"

namespace memsect {
namespace {

using namespace std::string_view_literals;
constexpr std::string_view signature = "makedumpfile\0\0\0\0"sv;

bool sniff(std::span<const std::byte> head) {
  return head.size() >= signature.size() && std::memcmp(head.data(), signature.data(), signature.size()) == 0;
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): the signature is FormatDriver::open
Result<Dump> open(std::shared_ptr<const File> /*file*/) {
  return Error{Errc::unsupported, "is a dump in flattened form, made to be written to a pipe",
               "rearrange it first: makedumpfile -R OUT < FILE"};
}

}  // namespace

extern const FormatDriver flattened{"flattened", sniff, open};

}  // namespace memsect
