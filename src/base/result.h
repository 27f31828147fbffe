// Result<T>: a value or an Error that says what went wrong and where.
//
// Three ways to handle one:
//   auto x = f();                                                      // give the error to the caller, with context
//   if (!x) return std::move(x).error().within("kdump header");
//   model.field = f();                                                 // keep it: absence with a reason is data
//   notes.warn(x.error().message);                                     // go on without it
// A thin layer over tl::expected; std::expected can take its place when C++23 is the floor (docs/adr/0001).
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace memsect {

/// Why a value could not be had. What a page is not (excluded, not_in_dump, ...) are different answers on
/// purpose.
enum class Errc {
  io,              ///< the operating system refused (open, read)
  bad_format,      ///< the file is not, or not consistently, what it claims to be
  unsupported,     ///< understood, but this build or release cannot do it
  truncated,       ///< the dump promises the bytes, the file ends before them
  not_in_dump,     ///< no part of the dump covers this address
  excluded,        ///< the dump's filter left the page out
  not_mapped,      ///< the kernel's page tables do not map this virtual address
  no_symbol,       ///< no such symbol
  no_type,         ///< no such type or enumerator
  no_member,       ///< the type has no such member
  in_flux,         ///< the running kernel was changing it, or may have been, while it was read
  corrupt,         ///< the bytes are there and make no sense
  mismatch,        ///< two inputs do not belong together
  not_applicable,  ///< the question has no answer here (never an error by itself)
  usage,           ///< the caller's words are off
};

/// The name of a code, as JSON's "absent" uses it: "excluded", "truncated", ... Codes that say nothing about
/// a page (io, no_type, ...) map to the nearest of the contract's reasons.
std::string_view absence_reason(Errc code);

/// A code, a sentence, and where there is one, what the user can do next.
struct Error {
  Errc code = Errc::corrupt;
  std::string message;
  std::string hint;

  /// The same error, its message prefixed by what was being read.
  Error within(std::string_view what) && {
    message = std::string(what) + ": " + message;
    return std::move(*this);
  }
  /// The same error with advice.
  Error with_hint(std::string text) && {
    hint = std::move(text);
    return std::move(*this);
  }
};

/// A T or an Error; ignoring one is a compiler warning.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpected<Error>(std::move(error))) {}
};

}  // namespace memsect
