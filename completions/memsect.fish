# fish completion for memsect. tests/completions_test.py holds it against memsect --help.

set -l commands info sections nodes blocks usemap subsections deps removable why check addr extract
set -l checks section_flags section_parts vmemmap_base memmap_whole memmap_apart subsection_map usage_shared \
  usage_apart usage_stride pageblock_types usage_memory root_memory pgdat_memory objects_apart \
  node_identity zone_span zone_pages node_pages present_pages isolated_pageblocks section_node \
  block_sections block_state block_node self_hosted_memmap

complete -c memsect -n "not __fish_seen_subcommand_from $commands" -f
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a info -d "The memory model's numbers and what the dump is"
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a sections -d 'Present memory sections'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a nodes -d 'pgdats, where they lie, and their zones'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a blocks -d 'Memory blocks as lsmem shows them'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a usemap -d 'The pageblock map and its totals by zone'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a subsections -d 'Which 2 MiB units of each section there are, and what they are'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a deps -d 'Which sections hold whose metadata'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a removable -d 'Which memory blocks could be put offline, and what keeps the others'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a why -d 'Why a memory block, section, node, page or range cannot go'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a check -d 'Whether the memory model agrees with itself'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a addr -d 'What is at an address'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -a extract -d 'Write a small dump with what memsect reads'
complete -c memsect -n "not __fish_seen_subcommand_from $commands" -l version -d 'The version'
complete -c memsect -s h -d 'A short help'
complete -c memsect -l help -d 'The help with examples'

complete -c memsect -n "__fish_seen_subcommand_from $commands" -s c -l core -r -F -d 'The dump'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -s s -l vmlinux -r -F -d 'The vmlinux of the dumped kernel'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l symbols -r -F -d 'A System.map or saved /proc/kallsyms'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l btf -r -F -d 'Types: a copy of /sys/kernel/btf/vmlinux'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l types -x -a 'auto dwarf btf vmcoreinfo' -d 'Where types come from'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l debuginfod -d 'Fetch a vmlinux that is not at hand'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l kernel -x -d 'Of several kernels in the dump: its number or address'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l no-search -d 'Do not look for a vmlinux where none is named'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l force -d 'Go on though dump and vmlinux do not belong together'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l format -x -a 'table json csv pairs raw' -d 'Output format'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -s J -l json -d 'Output as JSON'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -s P -l pairs -d 'Output as KEY="value"'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -s r -l raw -d 'Output as plain words'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -s n -l noheadings -d 'No line of column names'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -s o -l output -l columns -x -d 'Columns to show; +COL adds one'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -s b -l bytes -d 'Sizes in bytes'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l to -r -F -d 'Write to this file'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l color -x -a 'auto always never' -d 'When to use colours'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l threads -x -d 'How many, of what goes over all pages'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l no-sandbox -d 'Keep all privileges while the dump is decoded'
complete -c memsect -n "__fish_seen_subcommand_from $commands" -l verbose -d 'Say what was decided on the way'

complete -c memsect -n "__fish_seen_subcommand_from sections blocks usemap subsections removable" -l section -x -d 'Only section N, or N to M'
complete -c memsect -n "__fish_seen_subcommand_from sections blocks usemap subsections removable nodes" -l node -x -d 'Only node N'
complete -c memsect -n "__fish_seen_subcommand_from sections blocks usemap subsections removable" -l block -x -d 'Only memory block N'
complete -c memsect -n "__fish_seen_subcommand_from sections blocks usemap subsections removable" -l range -x -d 'Only these physical addresses'
complete -c memsect -n "__fish_seen_subcommand_from sections blocks deps" -l watch -x -d 'Of the running kernel: again every N seconds'
complete -c memsect -n "__fish_seen_subcommand_from sections" -l blocks -d 'List the type of every pageblock (JSON)'
complete -c memsect -n "__fish_seen_subcommand_from addr why" -a 'pfn: phys: virt: section: node: memory range:' -d 'What to look at'
complete -c memsect -n "__fish_seen_subcommand_from deps" -l self -d 'Also objects that serve only their own section'
complete -c memsect -n "__fish_seen_subcommand_from deps" -l fail-on -x -a 'cycle holder' -d 'Exit 1 when there is one'
complete -c memsect -n "__fish_seen_subcommand_from deps" -l format -x -a dot -d 'Output format'
complete -c memsect -n "__fish_seen_subcommand_from removable" -l by -x -a 'block section' -d 'Judge blocks or sections'
complete -c memsect -n "__fish_seen_subcommand_from removable" -l plan -d 'The order in which blocks could go'
complete -c memsect -n "__fish_seen_subcommand_from removable" -l fail-on -x -a blocked -d 'Exit 1 when there is one'
complete -c memsect -n "__fish_seen_subcommand_from check" -l check -x -a "$checks" -d 'Only this check'
complete -c memsect -n "__fish_seen_subcommand_from extract" -l as -x -a 'kdump elf' -d 'Form of the new dump'
complete -c memsect -n "__fish_seen_subcommand_from extract" -l without-types -d 'Leave out BTF and kallsyms'
