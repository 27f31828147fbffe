# memsect_folder(NAME SOURCES a.cc ... [PUBLIC target ...] [PRIVATE target ...])
# One static library per folder, memsect_NAME. It shows its own headers and those of the folders it names as PUBLIC, and
# nothing else: each folder has an include root of its own, which holds nothing but that folder (a link to it), so an
# #include of a folder that was not named does not compile (tests/walls). tests/floors_test.py says which may be named.
function(memsect_include_root name)
  set(root ${PROJECT_BINARY_DIR}/include_roots/${name})
  if(name STREQUAL "formats")
    set(folder ${PROJECT_SOURCE_DIR}/formats)
  else()
    set(folder ${PROJECT_SOURCE_DIR}/src/${name})
  endif()
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${folder} ${root}/${name} SYMBOLIC)
  set(MEMSECT_INCLUDE_ROOT ${root} PARENT_SCOPE)
endfunction()

function(memsect_folder name)
  cmake_parse_arguments(FOLDER "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(memsect_${name} STATIC ${FOLDER_SOURCES})
  memsect_include_root(${name})
  target_include_directories(memsect_${name} PUBLIC ${MEMSECT_INCLUDE_ROOT})
  target_link_libraries(memsect_${name} PUBLIC ${FOLDER_PUBLIC} PRIVATE ${FOLDER_PRIVATE} memsect_warnings)
  memsect_precompile(memsect_${name})
endfunction()
