// page.mapping -> address_space.host -> inode.i_sb -> super_block.s_id ("vda", "0:45" of a network file system), s_type.name
//
// A block device that is written to by itself has an inode of its own, of the file system "bdev": its number is in i_rdev.
#include "page/writeback_devices.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/kernel.h"

namespace memsect {
namespace {

constexpr std::size_t most_names = 4096;
constexpr std::size_t longest_name = 64;
constexpr unsigned minor_bits = 20;  // MINORBITS

std::optional<Field> field_of(const TypeSource& types, std::string_view type, std::string_view member) {
  const auto layout = types.find_struct(type);
  if (!layout) return std::nullopt;
  const auto field = layout->field(member);
  return field ? std::optional(*field) : std::nullopt;
}

/// A number in a struct at `at`.
Result<std::uint64_t> read(const AddressSpace& space, VirtAddr at, const Field& field, ByteOrder order) {
  return space.read_number(at + field.offset(), field.size(), order);
}

}  // namespace

WritebackDevices::WritebackDevices(const Kernel& kernel) : order_(kernel.order()) {
  const TypeSource& types = kernel.types();
  host_ = field_of(types, "address_space", "host");
  super_block_ = field_of(types, "inode", "i_sb");
  device_number_ = field_of(types, "inode", "i_rdev");
  type_ = field_of(types, "super_block", "s_type");
  type_name_ = field_of(types, "file_system_type", "name");
  const auto block = types.find_struct("super_block");
  const Member* const id = block ? block->find("s_id") : nullptr;
  if (id != nullptr) {
    id_offset_ = id->offset;
    id_size_ = std::min<std::uint64_t>(id->size, longest_name);
  }
}

std::string WritebackDevices::name_of(const AddressSpace& space, VirtAddr mapping) const {
  if (!host_ || !super_block_ || id_size_ == 0) return unknown_;
  const auto inode = read(space, mapping, *host_, order_);
  if (!inode || *inode == 0) return unknown_;
  const auto block = read(space, VirtAddr(*inode), *super_block_, order_);
  if (!block || *block == 0) return unknown_;
  const auto id = space.read_text(VirtAddr(*block) + id_offset_, id_size_);
  if (!id || id->empty()) return unknown_;
  if (*id == "bdev" && device_number_) {
    const auto number = read(space, VirtAddr(*inode), *device_number_, order_);
    if (!number) return unknown_;
    return fmt::format("block device {}:{}", *number >> minor_bits,
                       *number & ((std::uint64_t{1} << minor_bits) - 1));
  }
  if (!type_ || !type_name_) return *id;
  const auto type = read(space, VirtAddr(*block), *type_, order_);
  const auto name_at = type ? read(space, VirtAddr(*type), *type_name_, order_) : type;
  const auto name =
      name_at ? space.read_text(VirtAddr(*name_at), longest_name) : Result<std::string>(name_at.error());
  return name && !name->empty() ? fmt::format("{} ({})", *id, *name) : *id;
}

const std::string& WritebackDevices::device_of(const AddressSpace& space, const PageLayout& layout,
                                               Bytes page) {
  const PageMapping kind = layout.mapping_of(page);
  if (kind == PageMapping::anon || kind == PageMapping::ksm) return swap_;
  if (kind != PageMapping::file) return unknown_;
  const std::uint64_t mapping = layout.mapping.get(page);
  const auto known = names_.find(mapping);
  if (known != names_.end()) return known->second;
  if (names_.size() == most_names) return unknown_;
  return names_.emplace(mapping, name_of(space, VirtAddr(mapping))).first->second;
}

}  // namespace memsect
