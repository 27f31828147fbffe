# Finds libdwarf (https://www.prevanders.net/dwarf.html), old (20210528, Debian 12) and new (0.x, Debian 13).
# Defines the target LibDwarf::LibDwarf, LibDwarf_VERSION, and on it MEMSECT_OLD_LIBDWARF for releases before 0.1,
# whose object access interface has other types.
find_package(PkgConfig QUIET)
pkg_check_modules(PC_LIBDWARF QUIET libdwarf)
find_path(LibDwarf_INCLUDE_DIR libdwarf.h HINTS ${PC_LIBDWARF_INCLUDE_DIRS}
          PATH_SUFFIXES libdwarf-2 libdwarf-1 libdwarf-0 libdwarf)
find_library(LibDwarf_LIBRARY dwarf HINTS ${PC_LIBDWARF_LIBRARY_DIRS})
set(LibDwarf_VERSION ${PC_LIBDWARF_VERSION})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibDwarf REQUIRED_VARS LibDwarf_LIBRARY LibDwarf_INCLUDE_DIR
                                  VERSION_VAR LibDwarf_VERSION)
if(LibDwarf_FOUND AND NOT TARGET LibDwarf::LibDwarf)
  add_library(LibDwarf::LibDwarf UNKNOWN IMPORTED)
  set_target_properties(LibDwarf::LibDwarf PROPERTIES IMPORTED_LOCATION ${LibDwarf_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${LibDwarf_INCLUDE_DIR})
  file(STRINGS ${LibDwarf_INCLUDE_DIR}/libdwarf.h memsect_new_libdwarf REGEX "dw_ao_load_section|Dwarf_Obj_Access_Methods_a_s")
  if(NOT memsect_new_libdwarf)
    set_target_properties(LibDwarf::LibDwarf PROPERTIES INTERFACE_COMPILE_DEFINITIONS MEMSECT_OLD_LIBDWARF)
  endif()
endif()
