# sts_room(NAME [USES library...]): src/NAME/*.cc become the library sts_NAME, and the *_test.cc beside
# them the test NAME_test.
function(sts_room NAME)
  cmake_parse_arguments(ROOM "" "" "USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|for_tests)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_(test|for_tests)\\.cc$")

  # What tests share may define names that the room has, too.
  set(helpers ${tests})
  list(FILTER helpers INCLUDE REGEX "_for_tests\\.cc$")
  set_source_files_properties(${helpers} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

  add_library(sts_${NAME} STATIC ${sources})
  target_include_directories(sts_${NAME} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(sts_${NAME} PUBLIC ${ROOM_USES})

  if(STS_TESTS AND tests)
    add_executable(${NAME}_test ${tests})
    target_link_libraries(${NAME}_test PRIVATE sts_${NAME} GTest::gtest_main
                                               nlohmann_json::nlohmann_json)
    target_include_directories(${NAME}_test PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(${NAME}_test PRIVATE STS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    gtest_discover_tests(${NAME}_test TEST_PREFIX ${NAME}. DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
