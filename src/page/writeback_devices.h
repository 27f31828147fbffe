// Where pages under writeback are written to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "memory/address_space.h"
#include "page/page_layout.h"

namespace memsect {

class Kernel;

/// Names the device or file system of a page by its inode. Remembers those of the files that it was asked for.
class WritebackDevices {
 public:
  explicit WritebackDevices(const Kernel& kernel);

  /// "vda (ext4)", "swap", or "an unknown device" where that cannot be told. `page`: its struct page, or its head's. What
  /// is returned lasts as long as this object.
  const std::string& device_of(const AddressSpace& space, const PageLayout& layout, Bytes page);

 private:
  std::string name_of(const AddressSpace& space, VirtAddr mapping) const;

  std::optional<Field> host_, super_block_, device_number_, type_, type_name_;
  ByteOrder order_;
  std::uint64_t id_offset_ = 0, id_size_ = 0;
  std::map<std::uint64_t, std::string> names_;  ///< by the address of the address_space
  std::string swap_ = "swap", unknown_ = "an unknown device";
};

}  // namespace memsect
