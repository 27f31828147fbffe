// Who is asked before memory goes offline: an entry of the kernel's memory_chain. Plain values.
#pragma once

#include <string>
#include <string_view>

#include "base/position.h"

namespace memsect {

/// What a notifier does when memory is about to go offline (MEM_GOING_OFFLINE). docs/support.md lists those that are
/// known, with their sources.
enum class NotifierRole {
  passive,  ///< never refuses
  judged,   ///< refuses by a rule that is judged on its own: arm64, s390, virtio-mem
  refuses,  ///< may refuse by what no dump tells: error injection
  unknown,  ///< not one of the kernel's own, as far as they are known
  unnamed,  ///< a function of the kernel image that the symbols at hand do not name
};

struct MemoryNotifier {
  VirtAddr function;
  std::string name;  ///< "ksm_memory_callback", "0xffffffffc0123450 [nvidia_uvm]"
  NotifierRole role = NotifierRole::unknown;
};

}  // namespace memsect
