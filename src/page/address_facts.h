// Finds what the kernel knows of one physical page.
#pragma once

#include "model/address_facts.h"
#include "model/memory_model.h"

namespace memsect {

class Kernel;

/// The facts at a physical address; `virt` is where the direct map has it. The model wants usages, nodes and
/// blocks, and must outlive the facts.
AddressFacts facts_at(const Kernel& kernel, const MemoryModel& model, PhysAddr at);
/// The facts at a virtual address: those of the physical one behind it. Nothing where none is mapped.
AddressFacts facts_at(const Kernel& kernel, const MemoryModel& model, VirtAddr at);

}  // namespace memsect
