#include "base/result.h"

namespace memsect {

std::string_view absence_reason(Errc code) {
  switch (code) {
    case Errc::excluded:
      return "excluded";
    case Errc::not_in_dump:
      return "not_in_dump";
    case Errc::truncated:
    case Errc::io:
      return "truncated";
    case Errc::not_mapped:
      return "not_mapped";
    case Errc::in_flux:
      return "in_flux";
    case Errc::not_applicable:
      return "not_applicable";
    case Errc::unsupported:
    case Errc::no_symbol:
    case Errc::no_type:
    case Errc::no_member:
      return "unsupported";
    case Errc::bad_format:
    case Errc::corrupt:
    case Errc::mismatch:
    case Errc::usage:
      return "corrupt";
  }
  return "corrupt";
}

}  // namespace memsect
