# bash completion for memsect. tests/completions_test.py holds it against memsect --help.

_memsect() {
  local commands="info sections nodes blocks usemap subsections deps removable why check addr diff extract"
  local common="-c --core -s --vmlinux --symbols --btf --types --kernel --debuginfod --no-search --no-unpack --unpack-limit --force --format -J --json -P --pairs -r --raw -n --noheadings
    -o --output --columns -b --bytes --to --color --threads --no-sandbox --verbose -h --help"
  local selection="--section --node --block --range"
  local checks="section_flags section_parts vmemmap_base memmap_whole memmap_apart subsection_map usage_shared
    usage_apart usage_stride pageblock_types usage_memory root_memory pgdat_memory objects_apart
    node_identity zone_span zone_pages node_pages present_pages isolated_pageblocks section_node
    block_sections block_state block_node self_hosted_memmap filter_kept_kernel_pages"
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command="" options word
  COMPREPLY=()

  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ " $commands " == *" $word "* ]]; then
      command=$word
      break
    fi
  done
  case $command in
    "") mapfile -t COMPREPLY < <(compgen -W "$commands -h --help --version" -- "$current"); return ;;
    info | addr | diff) options=$common ;;
    why) options="$common --fail-on" ;;
    sections) options="$common $selection --blocks --watch" ;;
    nodes) options="$common --node" ;;
    blocks) options="$common $selection --watch" ;;
    usemap | subsections) options="$common $selection" ;;
    deps) options="$common --self --fail-on --watch" ;;
    removable) options="$common $selection --by --plan --fail-on" ;;
    check) options="$common --check" ;;
    extract) options="$common --as --without-types" ;;
  esac

  case $previous in
    --format)
      local formats="table json csv pairs raw"
      [[ $command == deps ]] && formats+=" dot"
      mapfile -t COMPREPLY < <(compgen -W "$formats" -- "$current")
      ;;
    --types) mapfile -t COMPREPLY < <(compgen -W "auto dwarf btf vmcoreinfo" -- "$current") ;;
    --color) mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$current") ;;
    --fail-on)
      local findings="cycle holder"
      [[ $command =~ ^(removable|why)$ ]] && findings=blocked
      mapfile -t COMPREPLY < <(compgen -W "$findings" -- "$current")
      ;;
    --by) mapfile -t COMPREPLY < <(compgen -W "block section" -- "$current") ;;
    --check) mapfile -t COMPREPLY < <(compgen -W "$checks" -- "$current") ;;
    --as) mapfile -t COMPREPLY < <(compgen -W "kdump elf" -- "$current") ;;
    -o | --output | --columns | --section | --node | --block | --range | --watch | --threads) ;;
    *)
      if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
      elif [[ $command =~ ^(addr|why)$ && $previous == "$command" ]]; then
        compopt -o nospace 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -W "pfn: phys: virt: section: node: memory range:" -- "$current")
      else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
      fi
      ;;
  esac
}
complete -F _memsect memsect
