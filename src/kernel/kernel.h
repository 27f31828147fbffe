// A kernel to ask: a dump, the address space in it, its symbols and its types, opened and found to belong
// together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/arch.h"
#include "base/notes.h"
#include "base/position.h"
#include "base/result.h"
#include "formats/format.h"
#include "kernel/input_files.h"
#include "kernel/vmlinux.h"
#include "memory/address_space.h"
#include "memory/observed_memory.h"
#include "memory/recording_memory.h"
#include "memory/renewed_memory.h"
#include "memory/vmcoreinfo.h"
#include "symbols/symbol_source.h"
#include "types/type_source.h"

namespace memsect {

/// A file that took part, for the envelope's "source".
struct SourceFile {
  std::string path;
  std::string_view role;    ///< "dump", "vmlinux", "symbols", "btf"
  std::string_view format;  ///< "elf-core", "kdump", "flattened", "elf", "text", "btf"
};

/// Everything below the memory model. Immutable once open.
class Kernel {
 public:
  /// Opens the files named in `request`, the running kernel where no dump is among them, finds the vmlinux where none
  /// was named, and checks that they belong together. Fails with `mismatch` when they do not (unless request.force),
  /// `usage` for contradictory requests.
  static Result<Kernel> open(const InputRequest& request);
  /// The same for files that are open already. What is read of the dump's memory, now and later, is noted in
  /// `record`, which must outlive the kernel.
  static Result<Kernel> open(const InputFiles& inputs, const InputRequest& request,
                             AccessRecord* record = nullptr);

  const Dump& dump() const { return dump_; }
  /// Whether it is the running kernel, which goes on changing.
  bool is_live() const { return live_memory_ != nullptr; }
  /// Of the running kernel: takes in what memory has come and gone since. Nothing else has to be opened again.
  Result<void> look_again() const;
  const Vmcoreinfo& vmcoreinfo() const { return vmcoreinfo_; }
  const TypeSource& types() const { return *types_; }
  const ArchDriver& arch() const { return *arch_; }
  const ArchMemory& arch_memory() const { return arch_memory_; }
  ByteOrder order() const { return order_; }
  /// A view of kernel virtual memory; each thread takes its own.
  AddressSpace space() const { return {data_memory(), *arch_memory_.translator}; }
  /// The run-time address of a symbol (link address plus what KASLR added).
  std::optional<VirtAddr> address_of(std::string_view name) const;

  /// The addresses in code as the kernel prints them, "function+0x12"; those outside of the kernel image, of modules,
  /// in hexadecimal.
  std::vector<std::string> symbolize(std::span<const VirtAddr> addresses) const;

  /// The pages that were asked for so far and that the dump's filter left out, as far as they were counted. None of an
  /// extract, which lacks what an older memsect did not ask for.
  std::vector<PhysAddr> excluded_pages() const {
    const bool is_filtered = observed_ != nullptr && !dump_.info.is_extract;
    return is_filtered ? observed_->excluded() : std::vector<PhysAddr>();
  }

  const std::string& release() const { return release_; }
  const std::string& build_id() const { return build_id_; }
  std::uint64_t page_size() const { return page_size_; }
  std::optional<std::uint64_t> kaslr_offset() const { return kaslr_offset_; }
  /// Where the kernel keeps its own symbol table, for an extract; why that cannot be found, or why it makes no sense.
  Result<std::vector<VirtRange>> kallsyms_tables() const;
  std::string_view symbols_from() const { return symbols_->origin(); }
  const std::vector<SourceFile>& files() const { return files_; }
  /// What there is to say about the inputs: assumptions, warnings of --force, oddities of the file.
  const Notes& notes() const { return notes_; }

 private:
  Kernel() = default;
  const PhysicalMemory& data_memory() const { return recorded_data_ ? *recorded_data_ : *dump_.memory; }
  void take(Dump dump);
  Result<void> open_dump(const InputFiles& inputs);
  Result<void> open_live(bool named);
  Result<void> read_vmcoreinfo(const InputFiles& inputs, const InputRequest& request);
  Result<void> find_vmcoreinfo(const InputFiles& inputs, const InputRequest& request);
  bool headers_tell_machine() const;
  const ArchDriver* dumped_arch() const;
  Result<void> choose_vmlinux(const InputFiles& inputs, const InputRequest& request);
  Result<void> choose_arch();
  void choose_order();
  Result<void> find_symbols(const InputFiles& inputs, const InputRequest& request);
  Result<void> open_memory();
  Result<void> check_banner(const InputRequest& request);
  Result<void> find_types(const InputFiles& inputs, const InputRequest& request);
  Result<std::shared_ptr<const File>> fetch_vmlinux(const InputRequest& request) const;
  Result<ArchMemory> open_image(const ArchDriver& arch, ByteOrder order) const;
  Result<AddressSpace> image_space();
  bool is_build_in_memory(const Vmlinux& vmlinux) const;
  void find_kaslr_offset();
  Error explain(Error error) const;
  Error not_of_these_words() const;

  /// What messages call the dump.
  const std::string& name() const { return files_.front().path; }

  Dump dump_;
  const ObservedMemory* observed_ = nullptr;    // dump_.memory, of a dump
  const RenewedMemory* live_memory_ = nullptr;  // dump_.memory, of the running kernel
  // In front of dump_.memory while a record is kept: for the translator, and for all others.
  std::unique_ptr<const PhysicalMemory> recorded_tables_, recorded_data_;
  Vmcoreinfo vmcoreinfo_;
  std::optional<Vmlinux> vmlinux_;
  std::string places_;  // where one was looked for
  // The kernel image by what VMCOREINFO alone tells, for what is read before the symbols are known.
  std::optional<ArchMemory> image_;
  std::unique_ptr<const SymbolSource> symbols_;
  std::uint64_t symbol_shift_ = 0;  // from the addresses of symbols_ to those at run time
  std::unique_ptr<const TypeSource> types_;
  const ArchDriver* proven_arch_ = nullptr;  // by utsname in memory
  const ArchDriver* arch_ = nullptr;
  ArchMemory arch_memory_;
  ByteOrder order_ = ByteOrder::little;
  std::string release_;
  std::string build_id_;
  std::uint64_t page_size_ = 0;
  std::optional<std::uint64_t> kaslr_offset_;
  std::vector<SourceFile> files_;
  Notes notes_;
};

}  // namespace memsect
