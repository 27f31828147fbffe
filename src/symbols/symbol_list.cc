// System.map (nm of the vmlinux) and /proc/kallsyms are lists of one form:
//
//   ffffffff81000000 T _text                        address in hexadecimal, type as nm has it, name
//   ffffffffc0a01000 t helper\t[some_module]        only in kallsyms: not of the kernel image, and left out
//
// 100,000 to 230,000 lines, up to 10 MB, of which a run asks for forty: one pass checks the lines and hashes the names.
#include "symbols/symbol_list.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/large_buffer.h"
#include "base/text.h"
#include "symbols/name_index.h"
#include "symbols/nearest_symbols.h"

namespace memsect {
namespace {

/// Above any kernel with all its modules (25 MB): what is larger is something else.
constexpr std::size_t largest_list = std::size_t{48} << 20;
constexpr std::size_t most_symbols = std::size_t{1} << 21;  // allyesconfig: under a million
constexpr std::size_t unsized_start = std::size_t{8} << 20;
constexpr std::size_t longest_name = 2048;  // KSYM_NAME_LEN is 512
constexpr std::size_t head_size = 4096;
constexpr std::string_view code_types = "tTwW";

/// For each character 0 for the digit 0, 1 for the other hexadecimal digits, 2 for what is none.
constexpr std::array<unsigned char, 256> make_digit_kinds() {
  std::array<unsigned char, 256> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    kinds[c] = !digit ? 2 : c == '0' ? 0 : 1;
  }
  return kinds;
}
constexpr std::array<unsigned char, 256> digit_kinds = make_digit_kinds();

struct Line {
  std::string_view address;
  std::string_view name;
  bool not_zero = false;   ///< the address
  bool in_module = false;  ///< also: made at run time (ftrace trampolines, BPF programs)
};

/// A line without its line feed, or nothing where it is none of a list with addresses of `width` digits.
std::optional<Line> read_line(std::string_view text, std::size_t width) {
  if (text.size() < width + 4 || text[width] != ' ' || text[width + 2] != ' ') return std::nullopt;
  Line line;
  line.address = text.substr(0, width);
  unsigned kinds = 0;
  for (const char c : line.address) kinds |= digit_kinds[static_cast<unsigned char>(c)];
  if (kinds > 1 || text[width + 1] <= ' ' || text[width + 1] > '~') return std::nullopt;
  line.not_zero = kinds != 0;
  std::string_view rest = text.substr(width + 3);
  const auto* const tab = static_cast<const char*>(std::memchr(rest.data(), '\t', rest.size()));
  line.name = tab == nullptr ? rest : rest.substr(0, static_cast<std::size_t>(tab - rest.data()));
  rest.remove_prefix(line.name.size());
  if (line.name.empty() || line.name.size() > longest_name) return std::nullopt;
  if (rest.empty()) return line;
  line.in_module = true;
  const bool module = rest.size() > 3 && rest[1] == '[' && rest.back() == ']';
  return module ? std::optional(line) : std::nullopt;
}

/// How many digits the addresses of a list have that begins with this line: 8 or 16, else 0.
std::size_t address_width(std::string_view line) {
  const std::size_t width = std::min(line.find(' '), line.size());
  return (width == 8 || width == 16) && read_line(line, width) ? width : 0;
}

std::string_view without_return(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

class TextList final : public SymbolList {
 public:
  TextList(LargeBuffer bytes, std::size_t size, bool live)
      : bytes_(std::move(bytes)), text_(reinterpret_cast<const char*>(bytes_.data()), size), live_(live) {}
  /// Checks and indexes all lines; once, before anything else.
  Result<void> load();

  std::string_view origin() const override { return live_ || has_modules_ ? "kallsyms" : "system.map"; }
  std::optional<VirtAddr> address_of(std::string_view name) const override;
  std::vector<std::optional<CodeSymbol>> code_at(std::span<const VirtAddr> addresses) const override;
  std::string shortcoming() const override;
  std::size_t size() const override { return lines_.size(); }
  bool is_of_running_kernel() const override { return live_ || has_modules_; }

 private:
  void note_order(const Line& line, std::size_t number);
  std::string_view line_at(std::size_t at) const {
    const std::string_view rest = text_.substr(at);
    const void* const end = std::memchr(rest.data(), '\n', rest.size());
    return rest.substr(0, static_cast<std::size_t>(static_cast<const char*>(end) - rest.data()));
  }

  LargeBuffer bytes_;
  std::string_view text_;  // up to the last line feed
  std::size_t width_ = 0;
  std::vector<std::uint32_t> lines_;  // where each symbol's line begins
  NameIndex index_;
  bool live_;  // read from /proc, where no file has a size
  bool has_modules_ = false;
  bool has_variables_ = false;     // any symbol that is not code
  std::string_view last_address_;  // of the image: what follows its end is in no order
  bool has_end_ = false;
  std::size_t disorder_ = 0;  // the first line with a lower address than the one before it
};

/// 4.17 to 4.20 list x86's entry trampolines behind the image, and below it.
void TextList::note_order(const Line& line, std::size_t number) {
  if (has_end_ || disorder_ != 0) return;
  if (line.address < last_address_) disorder_ = number;
  last_address_ = line.address;
  has_end_ = line.name == "_end";
}

std::string TextList::shortcoming() const {
  if (disorder_ != 0)
    return fmt::format("is not in ascending order of addresses (line {}), as a System.map is", disorder_);
  if (!address_of("_text") && !address_of("_stext"))
    return "does not have the beginning of the kernel (_text, _stext): it is cut";
  const char* const end = has_variables_ ? "_end" : "_einittext";
  if (address_of(end)) return {};
  return fmt::format("does not have the end of the kernel ({}): it is cut after {} lines", end,
                     lines_.size());
}

Result<void> TextList::load() {
  text_ = text_.substr(0, text_.rfind('\n') + 1);
  bool not_zero = false;
  std::size_t number = 1;
  for (std::size_t at = 0; at < text_.size(); ++number) {
    const std::string_view whole = line_at(at);
    const std::string_view text = without_return(whole);
    if (width_ == 0) width_ = address_width(text);
    const auto line = width_ == 0 ? std::nullopt : read_line(text, width_);
    if (line) {
      not_zero = not_zero || line->not_zero;
      has_modules_ = has_modules_ || line->in_module;
      if (!line->in_module) {
        if (lines_.size() == most_symbols)
          return Error{
              Errc::bad_format, fmt::format("has more symbols than any kernel ({})", most_symbols), {}};
        has_variables_ = has_variables_ || code_types.find(text[width_ + 1]) == std::string_view::npos;
        note_order(*line, number);
        index_.add(hash_text(line->name));
        lines_.push_back(static_cast<std::uint32_t>(at));
      }
    } else if (!text.empty()) {
      return Error{
          Errc::bad_format,
          fmt::format("line {} is none of a symbol list (ADDRESS TYPE NAME, as in System.map)", number),
          {}};
    }
    at += whole.size() + 1;
  }
  if (lines_.empty()) {
    return Error{
        Errc::bad_format, has_modules_ ? "holds symbols of modules only" : "holds no symbols",
        has_modules_ ? "a whole /proc/kallsyms is needed: the kernel's own symbols come first in it" : ""};
  }
  if (not_zero) return {};
  return Error{Errc::no_symbol, "all addresses are 0: the kernel hid them from whoever read /proc/kallsyms",
               "read it as root; where that shows zeros too, sysctl kernel.kptr_restrict is 2"};
}

std::optional<VirtAddr> TextList::address_of(std::string_view name) const {
  const auto line_of = [this](std::uint32_t number) {
    return read_line(without_return(line_at(lines_[number])), width_);
  };
  const auto number = index_.find(hash_text(name), [&](std::uint32_t i) {
    const auto line = line_of(i);
    return line && line->name == name;
  });
  if (!number) return std::nullopt;
  const auto address = parse_hex(line_of(*number)->address);
  return address ? std::optional(VirtAddr(*address)) : std::nullopt;
}

std::vector<std::optional<CodeSymbol>> TextList::code_at(std::span<const VirtAddr> addresses) const {
  const auto line_of = [this](std::uint32_t number) { return line_at(lines_[number]); };
  NearestSymbols nearest(addresses);
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    const std::string_view line = line_of(i);
    if (code_types.find(line[width_ + 1]) == std::string_view::npos) continue;
    if (const auto at = parse_hex(line.substr(0, width_))) nearest.show(VirtAddr(*at), i);
  }
  std::vector<std::optional<CodeSymbol>> found;
  for (const VirtAddr address : addresses) {
    const auto symbol = nearest.below(address);
    const auto line =
        symbol ? read_line(without_return(line_of(symbol->tag)), width_) : std::optional<Line>();
    found.push_back(line ? std::optional(CodeSymbol{std::string(line->name), address - symbol->at})
                         : std::nullopt);
  }
  return found;
}

/// Bytes of the file from its beginning, whatever size it is said to have.
Result<std::size_t> read_to_end(const File& file, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(file.descriptor(), out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Error{Errc::io, fmt::format("reading at offset {:#x}: {}", done, std::strerror(errno)), {}};
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<std::unique_ptr<SymbolList>> make_list(LargeBuffer bytes, std::size_t size, bool live) {
  auto list = std::make_unique<TextList>(std::move(bytes), size, live);
  if (auto done = list->load(); !done) return std::move(done).error();
  return std::unique_ptr<SymbolList>(std::move(list));
}

/// How many digits the addresses of a file have that begins with `head`; 0 when it is no list.
std::size_t listed_digits(Bytes head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  const std::size_t end = text.find('\n');
  return end == std::string_view::npos ? 0 : address_width(without_return(text.substr(0, end)));
}

std::size_t listed_digits(const File& file) {
  std::array<std::byte, head_size> head{};
  const auto got = read_to_end(file, head);
  return got ? listed_digits(std::span(head).first(*got)) : 0;
}

}  // namespace

bool looks_like_symbol_list(Bytes head) { return listed_digits(head) != 0; }

bool is_placeholder_system_map(const File& file) {
  std::array<std::byte, head_size> head{};
  const auto got = read_to_end(file, head);
  const std::string_view text(reinterpret_cast<const char*>(head.data()), got ? *got : 0);
  return text.find(" The real System.map is in the ") < text.find('\n');
}

bool looks_like_symbol_list(const File& file) { return listed_digits(file) != 0; }

Result<std::unique_ptr<SymbolList>> open_symbol_list(const File& file, unsigned word_size) {
  // What only claims to be one, or is another machine's, is not worth reading up to megabytes of it.
  const std::size_t digits = listed_digits(file);
  if (digits != 0 && word_size != 0 && digits != std::size_t{2} * word_size) {
    return Error{Errc::mismatch,
                 fmt::format("its addresses have {} digits, those of this kernel {}", digits, 2 * word_size),
                 {}};
  }
  if (digits == 0) {
    std::byte first{};
    if (auto got = read_to_end(file, {&first, 1}); !got) return std::move(got).error();
    return Error{Errc::bad_format, "is no symbol list (ADDRESS TYPE NAME, as in System.map)", {}};
  }
  // One byte more than there should be, to see the end.
  std::size_t room = static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), largest_list)) + 1;
  if (file.size() == 0) room = unsized_start;
  for (;; room = std::min(room * 2, largest_list + 1)) {
    LargeBuffer bytes(room);
    auto got = read_to_end(file, bytes.span());
    if (!got) return std::move(got).error();
    if (*got < room) return make_list(std::move(bytes), *got, file.size() == 0);
    if (room > largest_list) {
      return Error{
          Errc::bad_format, fmt::format("is larger than any symbol list ({})", human_size(largest_list)), {}};
    }
  }
}

Result<std::unique_ptr<SymbolList>> parse_symbol_list(std::string_view text) {
  LargeBuffer bytes(text.size());
  std::copy_n(reinterpret_cast<const std::byte*>(text.data()), text.size(), bytes.data());
  return make_list(std::move(bytes), text.size(), false);
}

}  // namespace memsect
