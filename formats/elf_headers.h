// The headers of ELF core files, whoever wrote them: the ELF header and the program headers.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "base/byte_order.h"
#include "base/byte_source.h"
#include "base/result.h"

namespace memsect {

/// What differs between the two classes.
struct ElfClass {
  std::size_t word;            ///< of addresses and offsets
  std::size_t header;          ///< Ehdr
  std::size_t program_header;  ///< Phdr
  std::uint64_t section_info;  ///< sh_info in a section header
  std::uint64_t no_address;    ///< p_paddr of a segment that is virtual only
};
constexpr ElfClass elf_32{4, 52, 32, 28, 0xffffffff};
constexpr ElfClass elf_64{8, 64, 56, 44, std::numeric_limits<std::uint64_t>::max()};

constexpr std::uint32_t pt_load = 1;
constexpr std::uint32_t pt_note = 4;
/// ElfProgramHeader::phys of a segment that is virtual only.
constexpr std::uint64_t no_elf_address = elf_64.no_address;
/// Two terabytes filtered into a segment every 256 pages; also bounds the memory a crafted file can claim.
constexpr std::uint64_t most_program_headers = std::uint64_t{1} << 21;

/// What the ELF header says of the program headers, extended numbering followed.
struct ElfHeader {
  ByteOrder order = ByteOrder::little;
  ElfClass elf = elf_64;
  std::uint16_t machine = 0;
  std::uint64_t program_headers_at = 0;
  std::uint64_t program_headers = 0;
};

struct ElfProgramHeader {
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::uint64_t virt = 0;
  std::uint64_t phys = 0;
  std::uint64_t file_size = 0;
  std::uint64_t memory_size = 0;
};

/// Whether `head`, the first bytes of a file, are those of an ELF core file.
bool is_elf_core(std::span<const std::byte> head);
/// The header of a file that is_elf_core() said yes to. Fails where the program headers cannot be where it says.
Result<ElfHeader> read_elf_header(const ByteSource& file);
/// Program header number `index`, below header.program_headers.
Result<ElfProgramHeader> read_program_header(const ByteSource& file, const ElfHeader& header,
                                             std::uint64_t index);

}  // namespace memsect
