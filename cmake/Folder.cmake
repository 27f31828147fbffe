# memsect_folder(NAME SOURCES a.cc ... [PUBLIC target ...] [PRIVATE target ...])
# One static library per folder, memsect_NAME. What it links is what it may include (tests/floors_test.py reads the
# #include lines and holds them against the same order).
function(memsect_folder name)
  cmake_parse_arguments(FOLDER "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(memsect_${name} STATIC ${FOLDER_SOURCES})
  target_include_directories(memsect_${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(memsect_${name} PUBLIC ${FOLDER_PUBLIC} PRIVATE ${FOLDER_PRIVATE} memsect_warnings)
endfunction()
