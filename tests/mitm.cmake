# The hostile broker's hands of e2e/test_mitm.py, which looks for them beside sts.
add_executable(mitm ${CMAKE_CURRENT_LIST_DIR}/mitm.cc)
target_link_libraries(mitm PRIVATE sts_protocol sts_mqtt)
